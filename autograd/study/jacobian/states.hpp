#pragma once

#include <autograd/var.hpp>

#include <vector>

namespace tapeloop {

/// The states of a recurrent network in the order in which they were computed: for each point in time the
/// parts of the state. `nn::states` makes it of what an unroll gives.
template <class T>
using States = std::vector<std::vector<Var<T>>>;

}  // namespace tapeloop
