// What a library that runs a whole sequence in one call leaves to its caller: the loss and the SGD update.
#pragma once

#include "workload.hpp"

namespace tapeloop::benchmarks {

// The sum of squares of all outputs h, `step_size` of them in a time step, with its gradient in dh.
double square_outputs(const Floats& h, Floats& dh, std::size_t step_size);

void descend(Floats& values, const Floats& gradient, float learning_rate);

}  // namespace tapeloop::benchmarks
