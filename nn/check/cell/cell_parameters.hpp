#pragma once

#include <nn/check/cell/cell_run.hpp>

namespace tapeloop::nn::detail {

/// What is wrong with the list of a cell's parameters: one without a name, two of one name, one twice, one
/// that no step uses, or one that a step reads and the list lacks. Empty if nothing is.
template <class T>
std::string mistake_of_parameters(const CheckedCell<T>& cell, const ParameterList<T>& parameters,
                                  const Batch<T>& batch);

}  // namespace tapeloop::nn::detail
