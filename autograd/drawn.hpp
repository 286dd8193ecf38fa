#pragma once

#include <autograd/tape.hpp>

#include <functional>

namespace tapeloop {

/// A value that is drawn, such as noise or a dropout mask: an input of the computation that `draw` fills, in
/// row-major order, and fills anew whenever a `Program` runs the recording again. What `draw` refers to, such
/// as a generator, must live as long as the tape. What it throws passes through, and nothing is recorded.
///
///     const Var<float> noise = drawn<float>(x.shape(), [&](std::span<float> elements) {
///         for (float& element : elements) element = static_cast<float>(generator.normal());
///     });
template <class T>
Var<T> drawn(const Shape& shape, std::function<void(std::span<T>)> draw,
             const CallSite& site = CallSite::current());

extern template Var<float> drawn(const Shape&, std::function<void(std::span<float>)>, const CallSite&);
extern template Var<double> drawn(const Shape&, std::function<void(std::span<double>)>, const CallSite&);

}  // namespace tapeloop
