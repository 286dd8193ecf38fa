#pragma once

#include <autograd/parameter.hpp>
#include <nn/files/checkpoint/comparison.hpp>

#include <functional>

namespace tapeloop::nn {
class Generator;
}  // namespace tapeloop::nn

namespace tapeloop::optim {
template <class T>
class Optimizer;
template <class T>
class WeightAverage;
class ReduceOnPlateau;
}  // namespace tapeloop::optim

namespace tapeloop::nn::detail {

/// Takes over what was saved. It was compared before, and cannot fail.
using Takeover = std::function<void()>;

/// One thing that a checkpoint has: how it is written, and how it is read.
struct Saved {
    std::string kind;  ///< as error texts and files say it
    std::function<void(Collected&)> collect;
    /// Notes what differs; without differences it returns what remains to be done. What it returns refers to
    /// what was compared.
    std::function<Takeover(Comparison&)> compare;
};

template <class T>
Saved saved_parameters(const ParameterList<T>& parameters);
template <class T>
Saved saved_optimizer(optim::Optimizer<T>& optimizer);
template <class T>
Saved saved_average(optim::WeightAverage<T>& average);
Saved saved_plateau(optim::ReduceOnPlateau& plateau);
Saved saved_generator(Generator& generator);

/// The tensors of a carried state, with their places in it as names: `1/0`, and none for a single one.
template <class T>
using NamedTensors = std::vector<std::pair<std::string, Tensor<T>*>>;
template <class T>
Saved saved_state(std::function<NamedTensors<T>()> tensors);

}  // namespace tapeloop::nn::detail
