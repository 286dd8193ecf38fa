#include "training.hpp"

#include <autograd/gradient.hpp>
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>
#include <optim/schedule.hpp>

#include <algorithm>

namespace lab {

using namespace tapeloop;

Losses train(const ParameterList<float>& parameters, const TrainingOptions& options,
             const std::function<Var<float>()>& loss) {
    optim::Adam<float> adam(parameters);
    const optim::CosineSchedule schedule({.learning_rate = options.learning_rate, .steps = options.steps});
    const std::size_t tenth = std::max<std::size_t>(options.steps / 10, 1);
    Losses losses;
    for (std::size_t step = 0; step < options.steps; ++step) {
        const Tape<float> tape;  // the graph of this step; it goes with the scope
        const Var<float> J = loss();
        Gradients<float> gradients = gradient(J, parameters);
        optim::clip_by_norm(gradients, 1.0);  // against gradients that explode
        adam.set_learning_rate(schedule(step));
        adam.step(gradients);

        const double part = static_cast<double>(J.item()) / static_cast<double>(tenth);
        if (step < tenth) losses.first += part;
        if (step >= options.steps - tenth) losses.last += part;
    }
    return losses;
}

}  // namespace lab
