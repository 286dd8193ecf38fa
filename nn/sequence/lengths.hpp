#pragma once

#include <autograd/ops/index.hpp>
#include <autograd/tape.hpp>

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

/// Padded batches: rows of different lengths in one tensor [T, B, ..].
namespace tapeloop::nn {

/// The number of time steps of each row of a padded batch that count, B numbers of 0 to T; none when all do.
/// It is a list like `std::vector`, and converts from one and into one.
///
/// Made of `Indices` they are a slot: a `Program` of what was recorded with them takes other lengths by
/// `program.set(indices, others)`. The graph is the same for all lengths then: behind its end a row reads its
/// last input again, its state stays as it was, and what the step has made is dropped, of which the
/// derivatives must be finite; targets there must be classes. Whatever reads the batch must be given the same
/// slot: a loss with other lengths keeps those. `unroll` (without `memory` and `mask`),
/// `last_outputs`, `mask_by_lengths` and the losses of single time steps take a slot; what needs fixed
/// lengths throws `std::logic_error`.
class Lengths {
  public:
    /// All count.
    Lengths() = default;
    /// Makes fixed lengths.
    Lengths(std::vector<std::size_t> list) : list_(std::move(list)) {}
    /// Makes fixed lengths.
    Lengths(std::initializer_list<std::size_t> list) : list_(list) {}
    /// Makes a slot of them. Throws `std::invalid_argument` unless they have one axis and none is negative.
    template <std::same_as<Indices> I>
    Lengths(const I& slot) : list_(checked(slot)), slot_(slot) {}

    /// Returns the fixed lengths. Throws `std::logic_error` when they are a slot.
    operator const std::vector<std::size_t>&() const { return fixed(); }
    /// Returns the lengths; of a slot, those that it was made with.
    const std::vector<std::size_t>& values() const { return list_; }
    /// Returns what they were made of, if a program may give others.
    const std::optional<Indices>& slot() const { return slot_; }

    bool empty() const { return list_.empty(); }
    std::size_t size() const { return list_.size(); }

    // As in a vector of fixed lengths; these throw `std::logic_error` when they are a slot.

    /// Returns the length of a row.
    std::size_t operator[](std::size_t row) const { return fixed()[row]; }
    /// Returns the length of a row, which may be changed.
    std::size_t& operator[](std::size_t row) { return fixed()[row]; }
    /// Returns the length of the first row.
    std::size_t front() const { return fixed().front(); }
    /// Returns the length of the last row.
    std::size_t back() const { return fixed().back(); }
    /// Returns where the lengths lie.
    const std::size_t* data() const { return fixed().data(); }
    auto begin() const { return fixed().begin(); }
    auto end() const { return fixed().end(); }
    /// Adds the length of another row.
    void push_back(std::size_t length) { fixed().push_back(length); }
    /// Returns whether both are the same lengths, and fixed or the same slot.
    friend bool operator==(const Lengths& a, const Lengths& b) {
        return a.list_ == b.list_ && a.slot_.has_value() == b.slot_.has_value() &&
               (!a.slot_.has_value() || a.slot_->identity() == b.slot_->identity());
    }

  private:
    static std::vector<std::size_t> checked(const Indices& slot);
    const std::vector<std::size_t>& fixed() const;
    std::vector<std::size_t>& fixed();

    std::vector<std::size_t> list_;
    std::optional<Indices> slot_;
};

namespace detail {

/// Throws `std::invalid_argument`, beginning with `operation`, unless there is one length for each of `batch`
/// rows and none is above `time_steps`.
void require_lengths(std::string_view operation, const std::vector<std::size_t>& lengths,
                     std::size_t time_steps, std::size_t batch);

/// Positions of shape `shape` that follow from the lengths of a slot, `follow(lengths)`. Throws as
/// `require_lengths` does, when the program is given others too.
Indices following(std::string_view operation, const Lengths& lengths, std::size_t time_steps,
                  const Shape& shape,
                  std::function<std::vector<std::ptrdiff_t>(const std::vector<std::size_t>&)> follow);

/// 1 where `counts` is 1 and 0 where it is 0, positions that follow from a slot.
template <class T>
Var<T> counting(const Indices& counts, const CallSite& site);

/// 1 where a time step counts and 0 behind the end of its row, [T, B] and `axes` more of extent 1, as a value
/// that a program computes anew where the lengths are a slot.
template <class T>
Var<T> length_mask(const Lengths& lengths, std::size_t time_steps, std::size_t axes, const CallSite& site);

}  // namespace detail

/// 1 where a time step counts and 0 behind the end of its row: [T, B, 1].
template <class T>
Tensor<T> length_mask(const std::vector<std::size_t>& lengths, std::size_t time_steps);

/// x [T, B, ..] with 0 behind the end of each row, whatever was there; no gradient passes to it. x itself
/// when `lengths` is empty. Throws `std::invalid_argument` when x has less than two axes, there is not one
/// length for each row, or one is above T.
Var<float> mask_by_lengths(const Operand<float>& x, const Lengths& lengths);
Var<double> mask_by_lengths(const Operand<double>& x, const Lengths& lengths);

}  // namespace tapeloop::nn
