#pragma once

#include <autograd/tensor.hpp>

#include <string>

namespace tapeloop::nn::detail {

/// Names the first place where a tensor is not finite, such as `nan at [0, 2]`; empty if it is finite.
std::string not_finite(const Tensor<double>& tensor);

}  // namespace tapeloop::nn::detail
