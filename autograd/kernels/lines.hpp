#pragma once

#include <autograd/shape.hpp>

namespace tapeloop::detail {

/// The lines along one axis of a row-major tensor, each of `extent` elements that stand `stride` apart.
struct Lines {
    std::size_t blocks = 1;  // of all that lies in front of the axis
    std::size_t extent = 1;
    std::size_t stride = 1;

    Lines(const Shape& shape, std::size_t axis) : extent(shape[axis]) {
        for (std::size_t i = 0; i < axis; ++i) blocks *= shape[i];
        for (std::size_t i = axis + 1; i < shape.rank(); ++i) stride *= shape[i];
    }

    std::size_t count() const { return blocks * stride; }
    /// Returns the offset at which line `line` starts.
    std::size_t start(std::size_t line) const { return line / stride * extent * stride + line % stride; }
};

}  // namespace tapeloop::detail
