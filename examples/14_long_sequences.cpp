// Sequences that are too long to keep: a budget of memory for one that has an end, and a stream for one that
// has none.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <cmath>

using namespace tapeloop;

namespace {

constexpr std::size_t T = 5000;

/// h' = 0.9 h + 0.1 tanh(h W + x U): a cell that is not in the library.
struct LeakyCell {
    Parameter<double> U, W;

    Var<double> initial_state(std::size_t batch) const {
        return input(Tensor<double>(xt::zeros<double>({batch, W.shape()[0]})));
    }
    Var<double> project(const Var<double>& x) const { return matmul(x, U); }
    auto step(const Var<double>& u, const Var<double>& h) const {
        const Var<double> next = 0.9 * h + 0.1 * tanh(u + matmul(h, W));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// The gradient of a loss at every step, and what the tape took for it.
Tensor<double> gradient_within(std::size_t memory, LeakyCell& cell, const Tensor<double>& x) {
    Tape<double> tape;
    const Var<double> J = mean(square(nn::unroll(cell, x, {.hoist = false, .memory = memory}).outputs));
    const Tensor<double> g = gradient(J, {cell.W})[cell.W];
    const TapeStatistics figures = tape.statistics();
    fmt::print("  {:>10}: {:5.1f} MB at the peak, {:7} nodes computed again, dJ/dW[0, 0] = {:.17g}\n",
               memory == 0 ? "all of it" : fmt::format("{} kB", memory / 1000),
               static_cast<double>(figures.peak_bytes) / 1e6, figures.recomputed_nodes, g(0, 0));
    return g;
}

}  // namespace

int main() {
    nn::Generator generator(3);
    LeakyCell cell{Parameter<double>("U", nn::xavier_uniform<double>({1, 16}, generator)),
                   Parameter<double>("W", nn::orthogonal<double>({16, 16}, generator))};
    Tensor<double> x = xt::zeros<double>({T, std::size_t(1), std::size_t(1)});
    for (std::size_t t = 0; t < T; ++t) x(t, 0, 0) = std::sin(0.05 * static_cast<double>(t));

    fmt::print("A gradient through {} time steps, with the same bits:\n", T);
    const Tensor<double> whole = gradient_within(0, cell, x);
    bool is_same = whole == gradient_within(500'000, cell, x);
    is_same = is_same && whole == gradient_within(60'000, cell, x);

    fmt::print("A stream of windows of 20 time steps, whose gradients reach back through 60:\n");
    nn::Linear<double> head(16, 1, generator);
    ParameterList<double> parameters = cell.parameters();
    parameters.add("head", head.parameters());
    optim::Adam<double> adam(parameters, {.learning_rate = 0.01});
    nn::TruncatedBptt stream(cell, {20, 1, 1}, 60);
    double first = 0, last = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        Tensor<double> window = xt::zeros<double>({20, 1, 1}), next = window;
        for (std::size_t t = 0; t < 20; ++t) {
            window(t, 0, 0) = std::sin(0.05 * static_cast<double>(20 * i + t));
            next(t, 0, 0) = std::sin(0.05 * static_cast<double>(20 * i + t + 10));  // half a radian ahead
        }
        const auto [loss, gradients] = stream.step(
            window, [&](const Var<double>& outputs) { return nn::mean_squared_error(head(outputs), next); },
            parameters);
        adam.step(gradients);
        if (i == 10) first = loss;
        last = loss;
    }
    fmt::print("  loss {:.4f} after 10 windows, {:.6f} after 1,000\n", first, last);
    return is_same && last < first ? 0 : 1;
}
