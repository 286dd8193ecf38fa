#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/doctest.hpp>

#include <array>

using namespace tapeloop;
using namespace tapeloop::test;

// A cell of a user's whose state is an image: Shi et al., "Convolutional LSTM Network", 2015, without
// peepholes.

namespace {

/// x [B, I, h, w], states [B, H, h, w]; gates in the order input, forget, candidate, output.
template <class T>
struct ConvLstmCell {
    using State = std::array<Var<T>, 2>;

    Parameter<T> U;  // [4H, I, k, k]
    Parameter<T> W;  // [4H, H, k, k]
    Parameter<T> b;  // [4H, 1, 1]

    ConvLstmCell(std::size_t inputs, std::size_t hidden, std::size_t k, Random& random)
        : U("U", rounded<T>(random.tensor({4 * hidden, inputs, k, k}))),
          W("W", rounded<T>(random.tensor({4 * hidden, hidden, k, k}))),
          b("b", rounded<T>(random.tensor({4 * hidden, 1, 1}))) {}

    ParameterList<T> parameters() { return parameter_list(U, W, b); }

    State step(const Var<T>& x, const State& state) const {
        const auto& [h, c] = state;
        const Conv2dOptions same{.padding = static_cast<std::ptrdiff_t>(U.shape()[3] / 2)};
        const auto a = split(conv2d(x, U, same) + conv2d(h, W, same) + b, 4, 1);
        return map(
            [](auto input, auto forget, auto candidate, auto output, auto before) {
                auto next = sigmoid(forget) * before + sigmoid(input) * tanh(candidate);
                return std::tuple{sigmoid(output) * tanh(next), next};
            },
            a[0], a[1], a[2], a[3], c);
    }
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// The convolution at one place, by the definition.
double convolved_at(const Tensor<double>& x, const Tensor<double>& K, std::size_t b, std::size_t o,
                    std::size_t row, std::size_t column) {
    double total = 0;
    const std::size_t half = K.shape()[2] / 2;
    for (std::size_t c = 0; c < K.shape()[1]; ++c)
        for (std::size_t i = 0; i < K.shape()[2]; ++i)
            for (std::size_t j = 0; j < K.shape()[3]; ++j) {
                if (row + i < half || row + i - half >= x.shape()[2]) continue;
                if (column + j < half || column + j - half >= x.shape()[3]) continue;
                total += K(o, c, i, j) * x(b, c, row + i - half, column + j - half);
            }
    return total;
}

/// One step by plain loops.
Tensors step_by_loops(const ConvLstmCell<double>& cell, const Tensor<double>& x, const Tensors& state) {
    const Shape shape = shape_of(state[0]);
    const auto gate = [&](std::size_t k, const Position& p) {
        const std::size_t o = k * shape[1] + p[1];
        return convolved_at(x, cell.U.value(), p[0], o, p[2], p[3]) +
               convolved_at(state[0], cell.W.value(), p[0], o, p[2], p[3]) + cell.b.value()(o, 0, 0);
    };
    const Tensor<double> c = generate(shape, [&](const Position& p) {
        return logistic(gate(1, p)) * at(state[1], p) + logistic(gate(0, p)) * std::tanh(gate(2, p));
    });
    return {generate(shape, [&](const Position& p) { return logistic(gate(3, p)) * std::tanh(at(c, p)); }),
            c};
}

}  // namespace

TEST_CASE("ConvLSTM: a cell over images is its equations, value by value") {
    Random random("conv lstm");
    const ConvLstmCell<double> cell(2, 3, 3, random);
    const Shape state_shape{2, 3, 4, 5};
    Tensors expected{random.tensor(state_shape), random.tensor(state_shape)};
    Tape<double> tape;
    ConvLstmCell<double>::State state{input(expected[0]), input(expected[1])};
    for (int t = 0; t < 3; ++t) {
        const Tensor<double> x = random.tensor({2, 2, 4, 5});
        state = cell.step(input(x), state);
        expected = step_by_loops(cell, x, expected);
        check_close(state[0].value(), expected[0]);
        check_close(state[1].value(), expected[1]);
    }
}

TEST_CASE("ConvLSTM: gradients of both orders through three steps") {
    Random random("conv lstm gradient");
    ConvLstmCell<double> cell(1, 2, 3, random);
    const auto run = [&](const Var<double>& x, const Var<double>& h, const Var<double>& c) {
        ConvLstmCell<double>::State state{h, c};
        for (const Var<double>& step : unstack(x)) state = cell.step(step, state);
        return std::vector<Var<double>>{state[0], state[1]};
    };
    const Shape state_shape{2, 2, 3, 2};
    CHECK_GRADIENT(run,
                   {cell.U,
                    cell.W,
                    cell.b,
                    {"x", random.tensor({3, 2, 1, 3, 2})},
                    {"h", random.tensor(state_shape)},
                    {"c", random.tensor(state_shape)}},
                   {.order = 2});
}
