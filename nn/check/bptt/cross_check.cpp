#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/kernels/as_double.hpp>
#include <autograd/ops/join.hpp>
#include <nn/check/bptt/cross_check.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn {
namespace {

using D = double;

/// The network in double, and what it is run on.
struct Network {
    ElmanCell<D> cell;
    Linear<D> output;
    Tensor<D> x;
    const Targets& targets;
    Tensor<D> initial_state;

    /// The loss of every target, [T, B].
    Var<D> losses(const Var<D>& states) const {
        return softmax_cross_entropy(output(states), targets, {.reduction = Reduction::none, .ignore = {}});
    }
    Var<D> loss(const Var<D>& states) const { return softmax_cross_entropy(output(states), targets); }
    std::size_t steps() const { return x.shape(0); }
    std::size_t batch() const { return x.shape(1); }
};

ElmanCell<D> copy_of(const ElmanCell<D>& cell) {
    return ElmanCell<D>(cell.U.value(), cell.W.value(), cell.b.value(), {cell.activation});
}

using Terms = closed_form::ElmanGradients<D>;

/// The gradient by h and by each parameter, in this order: how large the products are that it sums.
using Summands = std::array<D, 6>;

std::vector<Summands> summands_of(const Network& network, const closed_form::ElmanBptt<D>& bptt) {
    const D W = largest_of(network.cell.W.value());
    const D V = largest_of(network.output.V.value());
    const D x = largest_of(network.x);
    D from_later = 0;
    std::vector<Summands> summands(network.steps());
    for (std::size_t t = network.steps(); t-- > 0;) {
        const D d_o = largest_of(bptt.outputs[t]);
        const D d_a = largest_of(bptt.preactivations[t]);
        summands[t] = {std::max(d_o * V, from_later),   x * d_a, largest_of(bptt.h[t]) * d_a, d_a,
                       largest_of(bptt.h[t + 1]) * d_o, d_o};
        from_later = W * d_a;
    }
    return summands;
}

Summands largest_summands(const std::vector<Summands>& summands) {
    Summands largest{};
    for (const Summands& one : summands)
        for (std::size_t i = 0; i < one.size(); ++i) largest[i] = std::max(largest[i], one[i]);
    return largest;
}

/// By h and then by each parameter.
std::vector<Deviation> deviations(const Tensor<D>& tape_h, const Tensor<D>& other_h, const Terms& tape,
                                  const Terms& other, const Summands& scale) {
    return {
        largest_deviation("h", tape_h, other_h, scale[0]), largest_deviation("U", tape.U, other.U, scale[1]),
        largest_deviation("W", tape.W, other.W, scale[2]), largest_deviation("b", tape.b, other.b, scale[3]),
        largest_deviation("V", tape.V, other.V, scale[4]), largest_deviation("c", tape.c, other.c, scale[5])};
}

Terms terms_of(const Gradients<D>& gradients, const ElmanCell<D>& cell, const Linear<D>& output) {
    return {gradients[cell.U], gradients[cell.W], gradients[cell.b], gradients[output.V],
            gradients[output.c]};
}

/// What the tape gives for the network as it is trained.
struct TapeResult {
    D loss;
    Terms total;
    Tensor<D> initial_state;
    std::vector<Tensor<D>> states;
};

TapeResult run_tape(const Network& network) {
    const auto& [U, W, b, activation] = network.cell;
    const auto& [V, c] = network.output;
    Tape<D> tape;
    const Var<D> initial = input(network.initial_state);
    const auto unrolled = unroll(network.cell, network.x, initial, {.batch_first = false, .trace = true});
    const Var<D> J = network.loss(unrolled.outputs);
    WrtList<D> wrt{U, W, b, V, c, initial};
    for (const Var<D>& h : unrolled.trace) wrt.add(h);
    const Gradients<D> gradients = gradient(J, wrt);
    TapeResult result{J.item(), terms_of(gradients, network.cell, network.output), gradients[initial], {}};
    for (const Var<D>& h : unrolled.trace) result.states.push_back(gradients[h]);
    return result;
}

/// What each time step contributes, by the tape: the gradient of a network in which every step has weights of
/// its own. `unroll` has one cell for all steps, so this is written out.
std::vector<Terms> run_untied(const Network& network) {
    std::vector<ElmanCell<D>> cells;
    std::vector<Linear<D>> layers;
    for (std::size_t t = 0; t < network.steps(); ++t) {
        cells.push_back(copy_of(network.cell));
        layers.emplace_back(network.output.V.value(), network.output.c.value());
    }
    Tape<D> tape;
    const std::vector<Var<D>> x = unstack(network.x);
    std::vector<Var<D>> logits;
    std::vector<Wrt<D>> wrt;
    Var<D> h = input(network.initial_state);
    for (std::size_t t = 0; t < network.steps(); ++t) {
        h = advance(cells[t], x[t], h).second;
        logits.push_back(layers[t](h));
        for (const auto& entry : cells[t].parameters()) wrt.emplace_back(*entry.parameter);
        for (const auto& entry : layers[t].parameters()) wrt.emplace_back(*entry.parameter);
    }
    const Gradients<D> gradients = gradient(softmax_cross_entropy(stack(logits), network.targets), wrt);
    std::vector<Terms> terms;
    for (std::size_t t = 0; t < network.steps(); ++t)
        terms.push_back(terms_of(gradients, cells[t], layers[t]));
    return terms;
}

Tensor<D> losses_now(const Network& network) {
    Tape<D> tape;
    return network.losses(unroll(network.cell, network.x, input(network.initial_state)).outputs).value();
}

D step_for(D element) {
    return std::cbrt(std::numeric_limits<D>::epsilon()) * std::max(D(1), std::abs(element));
}

/// The slope of J by one element.
D central_difference(const Network& network, D& element, D part_of_step) {
    const D before = element;
    const D step = part_of_step * step_for(before);
    const D above = before + step;
    const D below = before - step;
    element = above;
    const Tensor<D> plus = losses_now(network);
    element = below;
    const Tensor<D> minus = losses_now(network);
    element = before;
    D sum = 0;
    for (std::size_t i = 0; i < plus.size(); ++i) sum += plus.data()[i] - minus.data()[i];
    return sum / static_cast<D>(network.batch()) / (above - below);
}

// A smaller step may miss the kink that a larger one straddles.
constexpr std::array<D, 3> parts_of_step{1.0, 1.0 / 32, 1.0 / 1024};

// The relative precision to which central differences can be held.
constexpr D attainable = 1e-6;

/// Compares up to `options.differences` elements, one from each of as many equal stretches.
Deviation compare_differences(const Network& network, std::string name, const Tensor<D>& tape, D* elements,
                              D loss, const CrossCheckOptions& options, Generator& generator) {
    const D largest = largest_of(tape);
    const D rounding = std::numeric_limits<D>::epsilon() * loss / step_for(0);
    Deviation deviation{std::move(name), shape_of(tape), 0, largest, 0, 0, {}, 0, 0};
    deviation.scale = std::max(largest, rounding / attainable);
    const std::size_t size = tape.size();
    const std::size_t count = std::min(options.differences, size);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t begin = k * size / count;
        const std::size_t end = (k + 1) * size / count;
        const std::size_t index = begin + generator.below(end - begin);
        const D own = tape.data()[index];
        D difference = 0;
        for (D part : parts_of_step) {
            difference = central_difference(network, elements[index], part);
            if (std::abs(own - difference) <= options.difference_limit * deviation.scale) break;
        }
        deviation.note(index, own, difference);
    }
    return deviation;
}

std::vector<Deviation> compare_differences(Network& network, const TapeResult& tape,
                                           const CrossCheckOptions& options) {
    Generator generator(options.seed);
    std::vector<Deviation> result;
    const auto compare = [&](std::string name, const Tensor<D>& gradient, D* elements) {
        result.push_back(
            compare_differences(network, std::move(name), gradient, elements, tape.loss, options, generator));
    };
    compare("U", tape.total.U, network.cell.U.update().data());
    compare("W", tape.total.W, network.cell.W.update().data());
    compare("b", tape.total.b, network.cell.b.update().data());
    compare("V", tape.total.V, network.output.V.update().data());
    compare("c", tape.total.c, network.output.c.update().data());
    compare("h(0)", tape.initial_state, network.initial_state.data());
    return result;
}

CrossCheck check_network(Network network, const CrossCheckOptions& options) {
    const ElmanCell<D>& cell = network.cell;
    const closed_form::ElmanBptt<D> bptt =
        closed_form::elman_bptt<D>({cell.U.value(), cell.W.value(), cell.b.value(), network.output.V.value(),
                                    network.output.c.value(), cell.activation},
                                   network.x, network.targets, network.initial_state);
    const TapeResult tape = run_tape(network);
    CrossCheck check{};
    check.steps = network.steps();
    check.batch = network.batch();
    check.inputs = cell.U.shape()[0];
    check.hidden = cell.U.shape()[1];
    check.outputs = network.output.c.shape()[0];
    check.loss = tape.loss;
    check.options = options;
    const std::vector<Summands> summands = summands_of(network, bptt);
    check.closed_form = deviations(tape.initial_state, bptt.initial_state, tape.total, bptt.total,
                                   largest_summands(summands));
    check.closed_form.front().name = "h(0)";
    std::rotate(check.closed_form.begin(), check.closed_form.begin() + 1, check.closed_form.end());
    if (options.time_steps) {
        const std::vector<Terms> untied = run_untied(network);
        for (std::size_t t = 0; t < network.steps(); ++t)
            check.time_steps.push_back(
                deviations(tape.states[t], bptt.states[t], untied[t], bptt.terms[t], summands[t]));
    }
    check.differences = compare_differences(network, tape, options);
    return check;
}

}  // namespace

template <class T>
CrossCheck cross_check(const ElmanCell<T>& cell, const Linear<T>& output, const Tensor<T>& x,
                       const Targets& targets, const CrossCheckOptions& options) {
    if (x.dimension() != 3 || x.size() == 0)
        throw std::invalid_argument(fmt::format(
            "cross_check: x is {}; it must be [T, B, I] with at least one element", shape_of(x).text()));
    using tapeloop::detail::as_double;
    return check_network({ElmanCell<D>(as_double(cell.U.value()), as_double(cell.W.value()),
                                       as_double(cell.b.value()), {cell.activation}),
                          Linear<D>(as_double(output.V.value()), as_double(output.c.value())), as_double(x),
                          targets, zeros<D>({x.shape(1), cell.b.value().size()})},
                         options);
}

template CrossCheck cross_check(const ElmanCell<float>&, const Linear<float>&, const Tensor<float>&,
                                const Targets&, const CrossCheckOptions&);
template CrossCheck cross_check(const ElmanCell<double>&, const Linear<double>&, const Tensor<double>&,
                                const Targets&, const CrossCheckOptions&);

}  // namespace tapeloop::nn
