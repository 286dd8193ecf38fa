#pragma once

#include <autograd/tensor.hpp>

#include <string>
#include <vector>

namespace tapeloop::nn::detail {

/// The gates that lie side by side along a parameter's last axis: all of the cell's, if the axis is as long
/// as all of them for the units of some part of the state; none otherwise, as of a bias of one gate.
std::vector<std::string> packed_gates(const Shape& parameter, const std::vector<std::string>& gates,
                                      const std::vector<Shape>& state);

}  // namespace tapeloop::nn::detail
