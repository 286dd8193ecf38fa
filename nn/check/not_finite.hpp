#pragma once

#include <autograd/tensor.hpp>

#include <string>

namespace tapeloop::nn::detail {

/// Where a tensor is not finite, such as `nan at [0, 2]`: the first place. Empty if it is.
std::string not_finite(const Tensor<double>& tensor);

}  // namespace tapeloop::nn::detail
