#pragma once

#include <autograd/kernels/changes.hpp>
#include <autograd/var.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tapeloop {

/// A named, trainable value that outlives tapes. Used in an expression, it enters the tape as a leaf, once.
/// It moves but does not copy: a copy would silently be a second parameter with a gradient of its own. To
/// share one between two cells, refer to it; to duplicate it, `clone` it.
template <class T>
class Parameter : public Operators<T> {
  public:
    /// What a tape refers to; it keeps the value alive should the parameter go first.
    struct Storage {
        std::string name;
        Tensor<T> value;
        Shape shape;
        std::uint64_t version = 0;
    };

    Parameter() : Parameter("", Tensor<T>()) {}
    Parameter(std::string name, Tensor<T> value) : storage_(std::make_shared<Storage>()) {
        storage_->name = std::move(name);
        storage_->shape = shape_of(value);
        storage_->value = std::move(value);
    }
    Parameter(Parameter&&) noexcept = default;
    Parameter& operator=(Parameter&&) noexcept = default;
    Parameter(const Parameter&) = delete;
    Parameter& operator=(const Parameter&) = delete;

    Parameter clone() const { return Parameter(name(), value()); }

    const std::string& name() const { return storage_->name; }
    const Shape& shape() const { return storage_->shape; }
    const Tensor<T>& value() const { return storage_->value; }

    /// Sets the value. Throws `std::invalid_argument` when the shape is another.
    void assign(const Tensor<T>& value);

    /// The elements, to be changed in place. Tapes that hold this parameter can no longer be differentiated.
    /// They learn of the change from this call alone: it is made anew for each, and the span not kept.
    std::span<T> update() {
        ++storage_->version;
        ++changes_in_place;
        return {storage_->value.data(), storage_->value.size()};
    }

    const std::shared_ptr<Storage>& storage() const { return storage_; }

  private:
    std::shared_ptr<Storage> storage_;
};

/// Parameters with their paths in the model, such as `encoder/layer0/U`. It refers to them: a cell that is
/// moved after it was listed must be listed again.
template <class T>
class ParameterList {
  public:
    struct Entry {
        std::string path;
        Parameter<T>* parameter;
    };

    ParameterList() = default;

    void add(Parameter<T>& parameter) { entries_.push_back({parameter.name(), &parameter}); }
    /// The parameters of a part, their paths below `prefix`.
    void add(const std::string& prefix, const ParameterList& part) {
        for (const Entry& entry : part.entries_)
            entries_.push_back({prefix + "/" + entry.path, entry.parameter});
    }

    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    const Entry& operator[](std::size_t i) const { return entries_[i]; }

    /// The number of trainable values.
    std::size_t value_count() const {
        std::size_t count = 0;
        for (const Entry& entry : entries_) count += entry.parameter->value().size();
        return count;
    }

  private:
    std::vector<Entry> entries_;
};

/// The one line in which a cell names its parameters: `return parameter_list(U, W, b);`
template <class T, class... More>
ParameterList<T> parameter_list(Parameter<T>& first, More&... more) {
    ParameterList<T> list;
    list.add(first);
    (list.add(more), ...);
    return list;
}

extern template class Parameter<float>;
extern template class Parameter<double>;

}  // namespace tapeloop
