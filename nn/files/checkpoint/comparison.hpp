#pragma once

#include <nn/files/checkpoint/collected.hpp>

#include <optional>

namespace tapeloop::nn::detail {

/// What was saved, read for one thing after the other, and compared with what is here. It notes each
/// difference as a sentence, and what was saved and nobody has asked for.
class Comparison {
  public:
    /// Refers to `saved`, as does what it finds. Throws `std::invalid_argument` when that is no checkpoint,
    /// or one of another version; `where` begins the text.
    Comparison(const NamedArrays& saved, std::string_view where);

    /// Begins what was added under `name`, and returns whether such a one was saved.
    bool begin(const std::string& name, std::string_view kind);

    /// Each returns null, or nothing, after it has noted why. A tensor must have the shape and be finite.
    template <class T>
    const Tensor<T>* tensor(const std::string& name, const Shape& here);
    /// Numbers in an array of one axis.
    template <class X>
    const ArrayOf<X>* numbers(const std::string& name);
    template <class X>
    std::optional<X> number(const std::string& name);
    std::optional<std::string> text(const std::string& name);
    /// Notes an option that was another.
    void require_option(const std::string& option, const std::string& here);
    void require_option(const std::string& option, double here);

    /// Returns whether there is such an array.
    template <class X>
    bool has(const std::string& name) const;

    void differ(std::string difference) { differences_.push_back(std::move(difference)); }
    /// Returns whether nothing was noted since `begin`.
    bool is_same() const { return differences_.size() == noted_before_; }
    /// Leaves out what was begun: what else differs follows from what is noted.
    void settle() { settled_.push_back(begun_); }
    /// The name within what was begun, quoted.
    std::string shown(const std::string& name) const;

    /// Notes what nobody has asked for, and returns all differences.
    const std::vector<std::string>& finish();

  private:
    std::string full(const std::string& name) const;
    const AnyArray* find(const std::string& name, const std::string& here);
    template <class X>
    const ArrayOf<X>* of_type(const AnyArray& array, const std::string& name);
    bool is_settled(std::string_view name) const;

    const NamedArrays& saved_;
    std::string begun_;
    std::size_t noted_before_ = 0;
    std::set<std::string> asked_;  // arrays, and keys of the metadata
    std::vector<std::string> settled_;
    std::vector<std::string> differences_;
};

}  // namespace tapeloop::nn::detail
