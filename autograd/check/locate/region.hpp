#pragma once

#include <autograd/check/locate/evidence.hpp>

/// The class that concerns the argument's values.
namespace tapeloop::detail {

/// Says where the argument's values lie for which the gradient is wrong, if it is right for all others.
std::optional<Diagnosed> region_of_input(const Evidence& evidence, const Fit& fit);

}  // namespace tapeloop::detail
