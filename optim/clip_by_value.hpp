#pragma once

#include <autograd/gradient.hpp>

namespace tapeloop::optim {

/// Moves every element of every gradient into [-max_value, max_value], as PyTorch and Keras do. Throws
/// `std::invalid_argument`, and changes nothing, when max_value is negative or NaN, or a gradient holds a NaN
/// or an infinity.
void clip_by_value(Gradients<float>& gradients, double max_value);
void clip_by_value(Gradients<double>& gradients, double max_value);

}  // namespace tapeloop::optim
