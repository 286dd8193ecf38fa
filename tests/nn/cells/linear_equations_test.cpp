#include <tests/nn/cells/cell_check.hpp>

#include <autograd/ops/conv.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/cells/linear/min_gru_cell.hpp>
#include <nn/cells/linear/min_lstm_cell.hpp>
#include <nn/cells/linear/qrnn_cell.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/cells/linear/sru_cell.hpp>
#include <nn/generator.hpp>

#include <cmath>
#include <complex>

using namespace tapeloop;
using namespace tapeloop::test;

// The cells that are linear in their state against their equations in plain loops.

namespace {

constexpr std::size_t N = 2;  // states of a channel

Tensors min_gru_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    return {generate({B, H}, [&](const Position& i) {
        const double update = logistic(product(x, p[0], i[0], i[1]) + at(p[1], {i[1]}));
        const double candidate = product(x, p[0], i[0], H + i[1]) + at(p[1], {H + i[1]});
        return (1 - update) * at(state[0], i) + update * candidate;
    })};
}

Tensors min_lstm_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    return {generate({B, H}, [&](const Position& i) {
        const auto gate = [&](std::size_t k) {
            return product(x, p[0], i[0], k * H + i[1]) + at(p[1], {k * H + i[1]});
        };
        const double forget = logistic(gate(0));
        const double input = logistic(gate(1));
        return (forget * at(state[0], i) + input * gate(2)) / (forget + input);
    })};
}

/// p is U, b and, when the input is of another width than the state, U_highway.
Tensors sru_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const std::size_t units = state[0].shape()[1];
    const Tensor<double> c = generate({B, units}, [&](const Position& i) {
        const double forget = logistic(product(x, p[0], i[0], units + i[1]) + at(p[1], {i[1]}));
        return forget * at(state[0], i) + (1 - forget) * product(x, p[0], i[0], i[1]);
    });
    const Tensor<double> y = generate({B, units}, [&](const Position& i) {
        const double reset = logistic(product(x, p[0], i[0], 2 * units + i[1]) + at(p[1], {units + i[1]}));
        const double around = p.size() == 2 ? at(x, i) : product(x, p[2], i[0], i[1]);
        return reset * at(c, i) + (1 - reset) * around;
    });
    return {y, c};
}

Tensors qrnn_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const auto gate = [&](std::size_t k, const Position& i) {
        return product(x, p[0], i[0], k * H + i[1]) + at(p[1], {k * H + i[1]});
    };
    const Tensor<double> c = generate({B, H}, [&](const Position& i) {
        const double forget = logistic(gate(1, i));
        return forget * at(state[0], i) + (1 - forget) * std::tanh(gate(0, i));
    });
    return {generate({B, H}, [&](const Position& i) { return logistic(gate(2, i)) * at(c, i); }), c};
}

/// p is U, U_delta, b_delta, A_log and D.
Tensors selective_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const std::size_t rank = p[1].shape()[0];
    const auto delta = [&](std::size_t row, std::size_t channel) {
        double a = at(p[2], {channel});
        for (std::size_t k = 0; k < rank; ++k) a += product(x, p[0], row, k) * at(p[1], {k, channel});
        return std::log1p(std::exp(a));
    };
    const Tensor<double> h = generate({B, I * N}, [&](const Position& i) {
        const std::size_t channel = i[1] / N;
        const std::size_t n = i[1] % N;
        const double step = delta(i[0], channel);
        return std::exp(-step * std::exp(at(p[3], {channel, n}))) * at(state[0], i) +
               step * product(x, p[0], i[0], rank + n) * at(x, {i[0], channel});
    });
    const Tensor<double> y = generate({B, I}, [&](const Position& i) {
        double total = at(p[4], {i[1]}) * at(x, i);
        for (std::size_t n = 0; n < N; ++n)
            total += product(x, p[0], i[0], rank + N + n) * at(h, {i[0], i[1] * N + n});
        return total;
    });
    return {y, h};
}

/// p is nu_log, theta_log, gamma_log, B, C and D.
Tensors lru_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    using Complex = std::complex<double>;
    const auto next = [&](std::size_t row, std::size_t n) {
        const Complex lambda = std::exp(Complex(-std::exp(at(p[0], {n})), std::exp(at(p[1], {n}))));
        const Complex before(at(state[0], {row, n}), at(state[0], {row, N + n}));
        Complex entering = 0;
        for (std::size_t k = 0; k < I; ++k)
            entering += Complex(at(p[3], {k, n}), at(p[3], {k, N + n})) * at(x, {row, k});
        return lambda * before + std::exp(at(p[2], {n})) * entering;
    };
    const Tensor<double> h = generate({B, 2 * N}, [&](const Position& i) {
        const Complex number = next(i[0], i[1] % N);
        return i[1] < N ? number.real() : number.imag();
    });
    const Tensor<double> y = generate({B, I}, [&](const Position& i) {
        Complex shown = 0;
        for (std::size_t n = 0; n < N; ++n)
            shown += Complex(at(p[4], {n, i[1]}), at(p[4], {N + n, i[1]})) * next(i[0], n);
        return shown.real() + at(p[5], {i[1]}) * at(x, i);
    });
    return {y, h};
}

/// Calls `f` with each cell, of T, and its equations.
template <class V, class F>
void for_each_linear_cell(const F& f) {
    nn::Generator generator(1);
    f(nn::MinGruCell<V>(I, H, generator), min_gru_step);
    f(nn::MinLstmCell<V>(I, H, generator), min_lstm_step);
    f(nn::SruCell<V>(I, H, generator), sru_step);
    f(nn::SruCell<V>(I, I, generator), sru_step);
    f(nn::QrnnCell<V>(I, H, generator), qrnn_step);
    f(nn::SelectiveSsmCell<V>(I, N, generator), selective_step);
    f(nn::SelectiveSsmCell<V>(I, N, generator, {.rank = 2}), selective_step);
    f(nn::LruCell<V>(I, N, generator), lru_step);
}

std::string names_of(auto&& cell) {
    std::string names;
    for (const auto& entry : cell.parameters()) names += entry.path + " ";
    return names;
}

}  // namespace

TEST_CASE("linear cells: values and gradients of both orders are those of plain loops") {
    int number = 0;
    for_each_linear_cell<double>([&](auto&& cell, const Step& step) {
        CAPTURE(number++);
        check_cell(cell, case_of(cell, step));
    });
}

TEST_CASE("linear cells: in float they are near those in double") {
    int number = 0;
    for_each_linear_cell<float>([&](auto&& cell, const Step& step) {
        CAPTURE(number++);
        check_float(cell, case_of(cell, step));
    });
}

TEST_CASE("linear cells: they take as many nodes for any number of time steps") {
    int number = 0;
    for_each_linear_cell<float>([&](auto&& cell, const Step&) {
        CAPTURE(number++);
        CHECK(nodes_for(cell, 20) == nodes_for(cell, 4));
    });
}

TEST_CASE("linear cells: parameters by name, and sizes that are refused") {
    nn::Generator generator(1);
    CHECK(names_of(nn::SruCell<float>(3, 3, generator)) == "U b ");
    CHECK(names_of(nn::SruCell<float>(3, 5, generator)) == "U b U_highway ");
    CHECK(names_of(nn::QrnnCell<float>(3, 5, generator)) == "U b ");
    const nn::SelectiveSsmCell<float> narrow(17, 4, generator);
    CHECK(narrow.U.shape() == Shape{17, 2 + 2 * 4});
    CHECK(names_of(nn::SelectiveSsmCell<float>(3, 5, generator)) == "U U_delta b_delta A_log D ");

    const auto refused = [](auto&& make) { return text_of<std::invalid_argument>([&] { make(); }); };
    CHECK(refused([&] { nn::SruCell<double>(0, 2, generator); }) ==
          "SruCell: input_size is 0 and hidden_size 2; both must be at least 1");
    CHECK(refused([&] { nn::QrnnCell<double>(2, 0, generator); }) ==
          "QrnnCell: input_size is 2 and hidden_size 0; both must be at least 1");
    CHECK(refused([&] { nn::SelectiveSsmCell<double>(0, 2, generator); }) ==
          "SelectiveSsmCell: input_size is 0 and state_size 2; both must be at least 1");
    CHECK(refused([&] { nn::SelectiveSsmCell<double>(2, 2, generator, {.smallest_step = 1}); }) ==
          "SelectiveSsmCell: smallest_step is 1 and largest_step 0.1; they must be positive, finite and in "
          "this order");
    CHECK(refused([&] { nn::SelectiveSsmCell<double>(2, 2, generator, {.smallest_step = 0}); }) != "");
    CHECK(refused([&] { nn::SelectiveSsmCell<double>(2, 2, generator, {.largest_step = INFINITY}); }) != "");
}

TEST_CASE("linear cells: a selective state space starts with the steps and the decay that were asked for") {
    nn::Generator generator(1);
    const nn::SelectiveSsmCell<double> cell(64, 4, generator, {.smallest_step = 0.01, .largest_step = 0.5});
    Tape<double> tape;
    const Tensor<double> steps = cell.project(input(filled({1, 64}, 0)))[0].value();
    double least = 1;
    double most = 0;
    for (const double step : steps) {
        least = std::min(least, step);
        most = std::max(most, step);
    }
    CHECK((least >= 0.01 && least < 0.02));
    CHECK((most <= 0.5 && most > 0.3));
    check_close(cell.prepare().value(),
                generate({64, 4}, [](const Position& i) { return -static_cast<double>(i[1] + 1); }));
}

TEST_CASE("linear cells: a QRNN's window of two steps is one step with the one before at its side") {
    nn::Generator generator(1);
    nn::QrnnCell<double> cell(2 * I, H, generator);
    Random random("window");
    cell.b.assign(random.tensor({3 * H}));
    const Tensor<double> sequence = random.tensor({T, B, I});
    Tape<double> tape;
    const Var<double> x = input(sequence);
    const auto last = static_cast<std::ptrdiff_t>(x.shape()[0]) - 1;
    const Var<double> before = pad(slice(x, 0, 0, last), {{1, 0}, {0, 0}, {0, 0}});
    const auto unrolled = nn::unroll(cell, concatenate({x, before}, 2), {.lengths = {T, 3}});

    // The convolution over [B, I, T], zeros in front of it; its weights are [3H, I, (before, now)].
    const Tensor<double> U = cell.U.value();
    const Var<double> weights = input(generate({3 * H, I, 2}, [&](const Position& i) {
        return at(U, {i[2] == 1 ? i[1] : I + i[1], i[0]});
    }));
    const Tensor<double> gates =
        conv1d(pad(transpose(x, {1, 2, 0}), {{0, 0}, {0, 0}, {1, 0}}), weights).value();
    Tensor<double> c = filled({B, H}, 0);
    const Tensor<double> expected = generate({T, B, H}, [&](const Position& i) {
        const auto gate = [&](std::size_t k) {
            return at(gates, {i[1], k * H + i[2], i[0]}) + at(cell.b.value(), {k * H + i[2]});
        };
        double& memory = c(i[1], i[2]);
        if (i[1] == 1 && i[0] == 3) return 0.0;
        memory = logistic(gate(1)) * memory + (1 - logistic(gate(1))) * std::tanh(gate(0));
        return logistic(gate(2)) * memory;
    });
    check_close(unrolled.outputs.value(), expected, 1e-13);
    check_close(unrolled.state.value(), c, 1e-13);
}
