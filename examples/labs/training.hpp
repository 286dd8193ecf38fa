#pragma once

#include <autograd/parameter.hpp>
#include <autograd/var.hpp>

#include <cstddef>
#include <functional>

namespace lab {

struct TrainingOptions {
    std::size_t steps = 1000;
    double learning_rate = 0.01;  ///< of Adam; it falls to 0 along half a wave of a cosine
};

/// Means over the first and the last tenth of the steps.
struct Losses {
    double first = 0;
    double last = 0;
};

/// The training loop of all labs. `loss` computes the loss of another batch each time it is called.
Losses train(const tapeloop::ParameterList<float>& parameters, const TrainingOptions& options,
             const std::function<tapeloop::Var<float>()>& loss);

}  // namespace lab
