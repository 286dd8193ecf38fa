// Why plain recurrent networks forget: the gradient of a loss at the last time step, followed back through
// time.
//
// Nothing is trained here. Each network reads 50 steps of noise, the loss looks at the last state alone, and
// the reverse sweep tells how much of it arrives at every earlier state. For a SimpleRNN each step back is a
// product with W' D, where D holds the slopes of tanh, at most 1: unless W grows what D shrinks, the gradient
// falls by the same factor at every step (Bengio, Simard and Frasconi 1994). The LSTM's c(t) comes from
// c(t-1) by the forget gate alone, the GRU's h(t) by the update gate: where a gate is near 1, the gradient
// passes.
#include "claims.hpp"
#include "command_line.hpp"
#include "plot.hpp"
#include "table.hpp"

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

using namespace tapeloop;
using namespace lab;

namespace {

constexpr std::size_t steps = 50;
constexpr std::size_t batch = 16;
constexpr std::size_t inputs = 8;
constexpr std::size_t units = 32;

/// A cell's name, and the decades that the gradient has lost at each distance from the loss.
struct Decay {
    std::string name;
    std::vector<double> lost;
};

double squared_norm(const Tensor<double>& tensor) {
    double sum = 0;
    for (double element : tensor) sum += element * element;
    return sum;
}

/// Returns for each distance 0, 1, ... from the last state the norm of the gradient by that state, all its
/// parts together.
template <class C>
std::vector<double> norms_by_distance(const C& cell, nn::Generator& generator) {
    Tape<double> tape;
    const Tensor<double> x = nn::normal<double>({steps, batch, inputs}, 0, 1, generator);
    const auto unrolled = nn::unroll(cell, x, {.trace = true});
    const Tensor<double> weights = nn::normal<double>({batch, units}, 0, 1, generator);
    const Var<double> last = slice(unrolled.outputs, 0, steps - 1, steps);
    const Var<double> J = sum(last * weights) / batch;

    WrtList<double> states{};
    for (const auto& state : unrolled.trace)
        nn::for_each_part([&](const Var<double>& part) { states.add(part); }, state);
    const Gradients<double> gradients = gradient(J, states);

    const std::size_t parts = gradients.size() / steps;
    std::vector<double> norms(steps);
    for (std::size_t t = 0; t < steps; ++t) {
        double sum = 0;
        for (std::size_t part = 0; part < parts; ++part) sum += squared_norm(gradients.at(t * parts + part));
        norms[steps - 1 - t] = std::sqrt(sum);
    }
    return norms;
}

/// The mean over several networks, in decades below the first.
template <class MakeCell>
Decay decay_of(std::string name, const MakeCell& make, std::size_t networks, nn::Generator& generator) {
    Decay decay{std::move(name), std::vector<double>(steps)};
    for (std::size_t network = 0; network < networks; ++network) {
        const std::vector<double> norms = norms_by_distance(make(), generator);
        for (std::size_t k = 0; k < steps; ++k)
            decay.lost[k] -= std::log10(norms[k] / norms[0]) / static_cast<double>(networks);
    }
    return decay;
}

std::vector<Decay> all_decays(const Options& options) {
    using namespace nn;
    Generator generator(options.seed);
    const std::size_t networks = options.steps(20, 2);
    const auto simple = [&] { return ElmanCell<double>(inputs, units, generator); };
    const auto lstm = [&](double forget_bias) {
        return LstmCell<double>(inputs, units, generator, {.forget_bias = forget_bias});
    };
    const auto gru = [&](double update_bias) {
        GruCell<double> cell(inputs, units, generator);
        gate_block(cell.b, cell.gate_names(), "update").assign(update_bias);
        return cell;
    };
    return {decay_of("SimpleRNN", simple, networks, generator),
            decay_of(
                "LSTM, forget gate half open", [&] { return lstm(0); }, networks, generator),
            decay_of(
                "LSTM, forget gate open", [&] { return lstm(3); }, networks, generator),
            decay_of(
                "GRU, update gate half open", [&] { return gru(0); }, networks, generator),
            decay_of(
                "GRU, update gate keeps", [&] { return gru(3); }, networks, generator)};
}

std::string power(double decades) { return fmt::format("{:.1e}", std::pow(10, -decades)); }

int perform(const Options& options) {
    const std::vector<Decay> decays = all_decays(options);
    const std::vector<std::size_t> distances{1, 5, 10, 20, 49};
    std::vector<std::string> headings{"steps back"};
    for (std::size_t distance : distances) headings.push_back(fmt::format("{}", distance));
    headings.emplace_back("a step");

    std::vector<std::vector<std::string>> rows;
    LinePlot plot{"The gradient by the state, k steps before the loss", "k", "its norm, log10", {}};
    for (const Decay& decay : decays) {
        std::vector<std::string> row{decay.name};
        for (std::size_t distance : distances) row.push_back(power(decay.lost[distance]));
        row.push_back(fmt::format("x {:.2f}", std::pow(10, -decay.lost.back() / (steps - 1))));
        rows.push_back(std::move(row));
        Series series{decay.name, {}, {}, Style::line};
        for (std::size_t k = 0; k < steps; ++k) {
            series.x.push_back(static_cast<double>(k));
            series.y.push_back(-decay.lost[k]);
        }
        plot.series.push_back(std::move(series));
    }
    fmt::print(
        "{} units read {} steps of noise, untrained; the loss is at the last step. The norm of its gradient\n"
        "by the state so many steps before, the last one's being 1:\n\n{}\n",
        units, steps, table(headings, rows));
    save({{plot}, 1, 900, 420}, options.output / "vanishing.svg");

    Claims claims(options.quick);
    const auto lost = [&](std::size_t which) { return decays[which].lost.back(); };
    claims.holds("the gradient of the SimpleRNN falls to less than a thousandth", lost(0) > 3);
    claims.holds("the LSTM with its forget gate open loses less than the SimpleRNN", lost(2) < lost(0));
    claims.holds("the LSTM with its forget gate open loses less than the other", lost(2) < lost(1));
    claims.holds("the GRU with an update gate that keeps loses less than the SimpleRNN", lost(4) < lost(0));
    claims.holds("the GRU with an update gate that keeps loses less than the other", lost(4) < lost(3));
    return claims.exit_code();
}

}  // namespace

int main(int count, char** arguments) {
    return run(count, arguments, "lab_vanishing",
               "Follows a gradient 50 steps back through three recurrent cells.", perform);
}
