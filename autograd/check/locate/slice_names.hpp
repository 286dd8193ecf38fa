#pragma once

#include <autograd/check/locate/diagnosis.hpp>

#include <string>
#include <vector>

/// This file names slices of tensors along an axis.
namespace tapeloop::detail {

using Slices = std::vector<std::size_t>;

bool is_time(const InputInfo& info, std::size_t axis);
/// `0, 1 and 2`, shortened.
std::string list_text(const Slices& slices);
/// `time steps 1 and 2`, or `slice 3 along axis 1`.
std::string steps_text(const Slices& slices, const InputInfo& info, std::size_t axis);
/// `time steps`, or `slices along axis 1`.
std::string noun(const InputInfo& info, std::size_t axis);
/// The class of a wrong order along an axis.
Diagnosis order_along(const InputInfo& info, std::size_t axis);

}  // namespace tapeloop::detail
