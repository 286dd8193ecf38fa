// Why is my gradient zero? The state of an Elman network 50 steps back, with ordinary weights and with
// saturated states, and beside it that of an LSTM, whose memory keeps the gradient until its forget gate
// closes.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <autograd/study/explain/explain.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;

namespace {

constexpr std::size_t steps = 50;
constexpr std::size_t width = 16;

Explanation elman(double bias) {
    nn::Generator generator(1);
    nn::ElmanCell<double> cell(1, width, generator);
    cell.W.assign(0.7 * cell.W.value());
    cell.b.assign(bias * nn::ones<double>({width}));
    const Tape<double> tape;
    const Var<double> h0 = input(nn::uniform<double>({4, width}, -1, 1, generator)).named("h0");
    const auto unrolled = nn::unroll(cell, nn::normal<double>({steps, 4, 1}, 0, 1, generator), h0);
    return explain(sum(unrolled.state), h0);
}

/// Explains an LSTM whose forget gates are open, but for one time step if `closes`.
Explanation lstm(bool closes) {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(1, width, generator, {.forget_bias = 6});
    cell.W.assign(nn::zeros<double>({width, 4 * width}));  // gates that see the input only
    cell.U.assign(nn::zeros<double>({1, 4 * width}));
    nn::gate_block(cell.U, cell.gate_names(), "forget").assign(-30.0);
    Tensor<double> x = nn::zeros<double>({steps, 4, 1});
    if (closes)
        for (std::size_t row = 0; row < 4; ++row) x(30, row, 0) = 1;
    const Tape<double> tape({.fuse = false});  // to see inside the cell
    const Var<double> h0 = input(nn::zeros<double>({4, width}));
    const Var<double> c0 = input(nn::uniform<double>({4, width}, -1, 1, generator)).named("c0");
    const auto unrolled = nn::unroll(cell, x, {h0, c0}, {.hoist = false});
    return explain(sum(unrolled.state[0]), c0);
}

}  // namespace

int main() {
    const Explanation ordinary = elman(0);
    const Explanation saturated = elman(3);
    const Explanation open = lstm(false);
    const Explanation closed = lstm(true);
    fmt::print("Elman network\n{}\n", ordinary.text());
    fmt::print("Elman network, bias 3\n{}\n", saturated.text());
    fmt::print("LSTM\n{}\n", open.text());
    fmt::print("LSTM whose forget gate closes at t=30\n{}", closed.text());
    return ordinary.culprits.front().cause == Cause::long_product &&
                   saturated.culprits.front().cause == Cause::saturated && open.size == GradientSize::usual &&
                   closed.culprits.front().cause == Cause::closed_gate
               ? 0
               : 1;
}
