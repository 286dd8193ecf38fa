#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>

namespace tapeloop {

/// A shape that does not exist: too many axes or elements.
class ShapeError : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
};

/// The extents of a tensor, outermost first. A value of its own (36 bytes, no heap): every node holds one.
/// Ranks up to `max_rank`, extents below 2^32 and up to `max_size` elements, axes of extent 0 not counted;
/// more throws `ShapeError`. So nothing that is computed from a shape overflows: not its size, its strides,
/// its bytes, nor the sum of two of its extents.
class Shape {
  public:
    static constexpr std::size_t max_rank = 8;
    static constexpr std::size_t max_size = (SIZE_MAX >> 6U) + 1;

    Shape() = default;
    /// Makes the shape of these extents, outermost first. Throws `ShapeError` for one that does not exist.
    Shape(std::initializer_list<std::size_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
    explicit Shape(std::span<const std::size_t> extents);

    /// Makes a shape of any other container of extents, such as xtensor's `shape()`.
    template <class Range>
    requires requires(const Range& r) {
        r.begin() != r.end();
        r.size();
    }
    static Shape of(const Range& range) {
        Shape shape;
        for (auto extent : range) shape.append(static_cast<std::size_t>(extent));
        return shape;
    }

    /// The number of axes.
    std::size_t rank() const { return rank_; }
    /// The number of elements: the product of the extents, 1 without axes.
    std::size_t size() const {
        std::size_t product = 1;
        for (std::uint32_t extent : *this) product *= extent;
        return product;
    }
    /// The extent of an axis below the rank.
    std::size_t operator[](std::size_t axis) const { return extents_[axis]; }
    /// The extent of the innermost axis, of which there must be one.
    std::size_t back() const { return extents_[rank_ - 1]; }
    const std::uint32_t* begin() const& { return extents_.data(); }
    const std::uint32_t* end() const& { return extents_.data() + rank_; }
    void begin() const&& = delete;  // of a copy that is gone at once
    void end() const&& = delete;

    /// Adds an innermost axis.
    void append(std::size_t extent) {
        if (rank_ < max_rank && stays_small(extent))
            extents_[rank_++] = static_cast<std::uint32_t>(extent);
        else
            append_checked(extent);
    }
    /// Returns the same shape with another extent along `axis`.
    Shape with(std::size_t axis, std::size_t extent) const;

    /// Takes one of `parts` equal parts of the innermost axis, which they must divide.
    void divide_back(std::size_t parts) { extents_[rank_ - 1] /= static_cast<std::uint32_t>(parts); }

    /// Returns the shape with everything but the last axis as rows: [2, 3, 4] gives [6, 4].
    Shape as_matrix() const;

    /// Returns `[3, 4]`, as every error text prints it.
    std::string text() const;

    friend bool operator==(const Shape& a, const Shape& b) {
        if (a.rank_ != b.rank_) return false;
        for (std::size_t i = 0; i < a.rank_; ++i)
            if (a.extents_[i] != b.extents_[i]) return false;
        return true;
    }

  private:
    /// Returns true only if there are fewer than 2^32 elements with one more axis of this extent: counts
    /// binary digits, which is quick.
    bool stays_small(std::size_t extent) const {
        auto digits = static_cast<unsigned>(std::bit_width(extent));
        for (const std::uint32_t own : *this) digits += static_cast<unsigned>(std::bit_width(own));
        return digits <= 32;
    }
    void append_checked(std::size_t extent);
    static void require_size(std::span<const std::uint32_t> extents);

    std::array<std::uint32_t, max_rank> extents_{};
    std::uint32_t rank_ = 0;
};

namespace detail {

[[noreturn]] void fail_in_name_of(std::string_view operation, std::span<const Shape> from,
                                  const ShapeError& error);

/// Returns what `make` returns; what it says of a shape that does not exist comes in the name of `operation`,
/// which takes arguments of shapes `from`.
template <class Make>
auto in_name_of(std::string_view operation, std::span<const Shape> from, const Make& make) {
    try {
        return make();
    } catch (const ShapeError& error) {
        fail_in_name_of(operation, from, error);
    }
}

/// Returns the shape to which both broadcast by NumPy's rule: aligned at the last axis, extents must be equal
/// or 1. Throws naming `operation` and both shapes.
Shape broadcast(std::string_view operation, const Shape& a, const Shape& b);

/// Returns whether a tensor of shape `from` broadcasts to `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

/// A signed axis as an index below `rank`: -1 is the last one. Throws naming `operation`.
std::size_t normalised_axis(std::string_view operation, std::ptrdiff_t axis, std::size_t rank);

/// `shape` with one more axis, which is axis `axis` of the result. Throws naming `operation`.
Shape with_new_axis(std::string_view operation, const Shape& shape, std::ptrdiff_t axis, std::size_t extent);

}  // namespace detail

}  // namespace tapeloop
