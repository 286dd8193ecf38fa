#include "first_batch_check.hpp"

#include "../program/streams.hpp"

#include <autograd/ops/index.hpp>
#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/closed_form/elman_network.hpp>
#include <nn/generator.hpp>
#include <nn/losses/losses.hpp>

#include <algorithm>
#include <stdexcept>

namespace char_rnn {
namespace {

using namespace tapeloop;

/// Differences along random directions of whole tensors, and of few elements in each time step, so that it
/// takes seconds.
nn::BpttOptions affordable(nn::Activation activation) {
    nn::BpttOptions check;
    check.zeros_moved_by = 0;
    check.random_initial_state = false;
    check.forward_limit = 0;
    check.step_elements = 2;
    check.gradient.full_limit = 200;
    check.gradient.elements_after_failure = 200;
    // Of a hundred thousand units a larger step takes some over the kink.
    if (activation == nn::Activation::relu) check.gradient.step = 1e-7;
    return check;
}

}  // namespace

void check_first_batch(IdSpan training, std::size_t vocabulary_size, const Options& options) {
    const std::size_t batch = std::min<std::size_t>(options.batch, 32);
    const std::size_t steps = std::min<std::size_t>(options.steps, 64);
    const std::size_t hidden = std::min<std::size_t>(options.hidden, 64);
    const Stretch stretch = training_lanes(training, batch, steps, 0).stretch(0);

    nn::Generator generator(options.seed);
    const auto activation = options.cell == "relu" ? nn::Activation::relu : nn::Activation::tanh;
    nn::ElmanNetwork<double> network(nn::ElmanCell<double>(vocabulary_size, hidden, generator, {activation}),
                                     nn::Linear<double>(hidden, vocabulary_size, generator));
    const Tensor<double> x = one_hot<double>(characters_of(stretch), vocabulary_size);
    const Indices targets = targets_of(stretch);
    const nn::BpttReport report = nn::verify_bptt(
        network, x, [&](const auto& outputs) { return nn::softmax_cross_entropy(outputs, targets); },
        affordable(activation));
    program::print("{}", report.text());
    if (!report.passed())
        throw std::runtime_error("the gradients disagree; this is a bug of the library, please report it");
}

}  // namespace char_rnn
