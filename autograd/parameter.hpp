#pragma once

#include <autograd/kernels/changes.hpp>
#include <autograd/var.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tapeloop {

template <class T>
class ParameterReference;

/// A named, trainable value that outlives tapes. Used in an expression, it enters the tape as a leaf, once.
/// It moves but does not copy: a copy would silently be a second parameter with a gradient of its own. To
/// share one between two cells, refer to it; to duplicate it, `clone` it. Every use of one that was moved
/// from throws `std::logic_error`, but for destroying it and giving it a new value.
template <class T>
class Parameter : public detail::Operators<T> {
  public:
    /// The storage that a tape refers to; it keeps the value alive should the parameter go first.
    struct Storage {
        std::string name;
        Tensor<T> value;
        Shape shape;
        std::uint64_t version = 0;
        bool is_replaced = false;  ///< true once its parameter was given another's value by a move
    };

    Parameter() : Parameter("", Tensor<T>()) {}
    /// Makes a parameter of its name, which error texts and lists use, and its initial value.
    Parameter(std::string name, Tensor<T> value);
    /// Takes over another's value; lists and optimizers that know `other` follow.
    Parameter(Parameter&& other) noexcept;
    /// Lists and optimizers that know this parameter go on with what it becomes, where the shape is the same.
    Parameter& operator=(Parameter&& other) noexcept;
    Parameter(const Parameter&) = delete;
    Parameter& operator=(const Parameter&) = delete;
    ~Parameter();

    /// Returns a parameter of its own with the same name and value.
    Parameter clone() const { return Parameter(name(), value()); }

    /// Returns the name that it was made with.
    const std::string& name() const { return storage()->name; }
    /// Returns the shape of the value.
    const Shape& shape() const { return storage()->shape; }
    /// Returns the value; `assign` and `update` change it.
    const Tensor<T>& value() const { return storage()->value; }

    /// Sets the value. Throws `std::invalid_argument` when the shape is another.
    void assign(const Tensor<T>& value);

    /// The elements, to be changed in place. Tapes that hold this parameter can no longer be differentiated.
    /// They learn of the change from this call alone: it is made anew for each, and the span not kept.
    std::span<T> update() {
        Storage& own = *storage();
        ++own.version;
        ++detail::changes_in_place;
        return {own.value.data(), own.value.size()};
    }

    /// Returns the storage, for tapes.
    const std::shared_ptr<Storage>& storage() const {
        if (storage_ == nullptr) throw_moved_from();
        return storage_;
    }

  private:
    friend class ParameterReference<T>;

    /// The place of the parameter now, for those who refer to it.
    struct Place {
        std::string name;
        Parameter* holder;                 ///< null once it was destroyed or replaced
        std::shared_ptr<Place> successor;  ///< what replaced it
    };

    [[noreturn]] void throw_moved_from() const;

    std::shared_ptr<Storage> storage_;  // null when it was moved from
    std::shared_ptr<Place> place_;      // shared with the one that it was moved to
};

/// Refers to a parameter wherever it goes: like a pointer, but it follows when the parameter is moved (its
/// cell goes into a stack) and when it is replaced. Using it throws `std::logic_error` when the parameter is
/// gone.
template <class T>
class ParameterReference {
  public:
    /// Refers to `parameter`, which must not have been moved from.
    explicit ParameterReference(Parameter<T>& parameter);

    /// Returns the parameter where it is now.
    Parameter<T>& operator*() const { return *get(); }
    /// Returns the parameter where it is now.
    Parameter<T>* operator->() const { return get(); }
    /// Returns the parameter where it is now.
    operator Parameter<T>*() const { return get(); }
    /// Returns the parameter where it is now.
    Parameter<T>* get() const {
        Parameter<T>* parameter = find();
        if (parameter == nullptr) throw_gone();
        return parameter;
    }
    /// Null when the parameter is gone.
    Parameter<T>* find() const noexcept;

  private:
    [[noreturn]] void throw_gone() const;

    std::shared_ptr<const typename Parameter<T>::Place> place_;
};

/// Parameters with their paths in the model, such as `encoder/layer0/U`. It refers to them, also when their
/// cell is moved after it was listed. A parameter that two parts share is listed under both paths.
template <class T>
class ParameterList {
  public:
    /// A parameter and its path in the model.
    struct Entry {
        std::string path;
        ParameterReference<T> parameter;
    };

    ParameterList() = default;

    /// Adds a parameter; its path is its name.
    void add(Parameter<T>& parameter) {
        entries_.push_back({parameter.name(), ParameterReference<T>(parameter)});
    }
    /// The parameters of a part, their paths below `prefix`.
    void add(const std::string& prefix, const ParameterList& part) {
        for (const Entry& entry : part.entries_)
            entries_.push_back({prefix + "/" + entry.path, entry.parameter});
    }

    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }
    std::size_t size() const { return entries_.size(); }
    /// Returns the i-th entry.
    const Entry& operator[](std::size_t i) const { return entries_[i]; }

    /// The number of trainable values; those of a parameter that is listed twice count once.
    std::size_t value_count() const;

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
extern template class ParameterReference<float>;
extern template class ParameterReference<double>;
extern template class ParameterList<float>;
extern template class ParameterList<double>;

}  // namespace tapeloop
