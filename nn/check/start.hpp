#pragma once

#include <autograd/check/random.hpp>
#include <autograd/ops/elementwise.hpp>

/// Where a check of a cell starts: at random near the cell's initial state, which may be zeros that hide
/// mistakes.
namespace tapeloop::nn::detail {

/// A part's shape with two of everything of which the initial state has none, behind the first axis: a source
/// that attention reads must not stay empty.
inline Shape opened(const Shape& part) {
    std::vector<std::size_t> extents(part.begin(), part.end());
    for (std::size_t axis = 1; axis < extents.size(); ++axis)
        if (extents[axis] == 0) extents[axis] = 2;
    return Shape(extents);
}

inline bool is_open(const Shape& part) { return opened(part) != part; }

/// Random numbers from -1/2 to 1/2, in the part's opened shape.
template <class T>
Tensor<T> random_offset(const Shape& part, tapeloop::detail::CheckRandom& random) {
    Tensor<T> offset = uninitialised<T>(opened(part));
    for (T& element : offset) element = static_cast<T>(random.uniform() - 0.5);
    return offset;
}

/// The part moved by an offset; what was opened starts from the offset alone.
template <class T>
Var<T> moved(const Var<T>& part, const Var<T>& offset) {
    return part.shape() == offset.shape() ? part + offset : offset;
}

}  // namespace tapeloop::nn::detail
