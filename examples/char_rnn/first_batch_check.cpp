#include "first_batch_check.hpp"

#include "../program/streams.hpp"

#include <autograd/ops/index.hpp>
#include <nn/check/bptt/cross_check.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <stdexcept>

namespace char_rnn {
namespace {

using namespace tapeloop;

/// How many elements of each gradient are checked by differences, each of which takes two forward passes.
std::size_t affordable_differences(const Stretch& stretch, std::size_t weights) {
    constexpr double affordable = 2e10;  // multiplications: a few seconds
    const double pass = static_cast<double>(stretch.targets.size()) * static_cast<double>(weights);
    return static_cast<std::size_t>(std::clamp(affordable / (12 * pass), 2.0, 50.0));
}

}  // namespace

void check_first_batch(IdSpan training, std::size_t vocabulary_size, const Options& options) {
    const std::size_t batch = std::min<std::size_t>(options.batch, 32);
    const std::size_t steps = std::min<std::size_t>(options.steps, 64);
    const std::size_t hidden = std::min<std::size_t>(options.hidden, 64);
    const Stretch stretch = training_lanes(training, batch, steps, 0).stretch(0);

    nn::Generator generator(options.seed);
    const auto activation = options.cell == "relu" ? nn::Activation::relu : nn::Activation::tanh;
    nn::ElmanCell<double> cell(vocabulary_size, hidden, generator, {activation});
    nn::Linear<double> output(hidden, vocabulary_size, generator);
    const std::size_t weights = cell.parameters().value_count() + output.parameters().value_count();

    nn::CrossCheckOptions check;
    check.differences = affordable_differences(stretch, weights);
    check.time_steps = weights * steps < 10'000'000;
    const Tensor<double> x = one_hot<double>(characters_of(stretch), vocabulary_size);
    const nn::CrossCheck result = nn::cross_check(cell, output, x, targets_of(stretch), check);
    program::print("{}", result.text());
    if (!result.agrees())
        throw std::runtime_error("the gradients disagree; this is a bug of the library, please report it");
}

}  // namespace char_rnn
