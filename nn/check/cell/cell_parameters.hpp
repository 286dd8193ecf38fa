#pragma once

#include <nn/check/cell_runs.hpp>

namespace tapeloop::nn::detail {

/// Says what is wrong with the list of a cell's parameters: one without a name, two of one name, one twice by
/// one name, one that no step uses, or one that a step reads and the list lacks. Empty if nothing is. Parts
/// of a cell may share a parameter, which is then listed once for each of them, by another name.
template <class T>
std::string mistake_of_parameters(CellUnderCheck<T>& cell, const Batch<T>& batch);

}  // namespace tapeloop::nn::detail
