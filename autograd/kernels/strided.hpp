#pragma once

#include <autograd/kernels/pass.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace tapeloop::detail {

/// The elements of a row-major buffer that make a tensor, in order: what a permutation, a slice, a flip or a
/// broadcast comes to. Axes are below the rank and bounds inside the extents; nothing is checked here.
struct View {
    Shape shape;
    std::array<std::ptrdiff_t, Shape::max_rank> strides{};
    std::ptrdiff_t offset = 0;

    /// All elements in their order.
    static View of(const Shape& shape);

    /// Axis i is what was axis `axes[i]`.
    View permuted(std::span<const std::size_t> axes) const;
    View sliced(std::size_t axis, std::size_t begin, std::size_t count, std::size_t step = 1) const;
    View flipped(std::size_t axis) const;
    View broadcast_to(const Shape& wider) const;

    /// Returns whether the elements lie one behind the other.
    bool is_contiguous() const;
};

/// Copies or adds the elements of one view to those of another of the same shape, which must not overlap.
template <class T>
void transfer(const View& from_view, const T* from, const View& to_view, const Target<T>& to);

extern template void transfer(const View&, const float*, const View&, const Target<float>&);
extern template void transfer(const View&, const double*, const View&, const Target<double>&);

}  // namespace tapeloop::detail
