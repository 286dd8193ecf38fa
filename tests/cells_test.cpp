#include "expect.hpp"

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/gru_cell.hpp>
#include <nn/lstm_cell.hpp>
#include <nn/unroll.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

// The library's cells against their equations in plain loops, over a sequence of several steps.

namespace {

constexpr std::size_t T = 4;
constexpr std::size_t B = 2;
constexpr std::size_t I = 3;
constexpr std::size_t H = 5;

double logistic(double a) { return 1 / (1 + std::exp(-a)); }

/// Row `row` of x times column `column` of W.
double product(const Tensor<double>& x, const Tensor<double>& W, std::size_t row, std::size_t column) {
    double total = 0;
    for (std::size_t k = 0; k < x.shape()[1]; ++k) total += at(x, {row, k}) * at(W, {k, column});
    return total;
}

/// The next state, h first, of x [B, I], a state and the parameters.
using Step = std::function<Tensors(const Tensor<double>& x, const Tensors& state, const Tensors& parameters)>;

Step elman_step(double (*f)(double)) {
    return [f](const Tensor<double>& x, const Tensors& state, const Tensors& p) {
        return Tensors{generate({B, H}, [&](const Position& i) {
            return f(product(x, p[0], i[0], i[1]) + product(state[0], p[1], i[0], i[1]) + at(p[2], {i[1]}));
        })};
    };
}

Tensors lstm_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const auto gate = [&](std::size_t k, const Position& i) {
        const std::size_t column = k * H + i[1];
        return product(x, p[0], i[0], column) + product(state[0], p[1], i[0], column) + at(p[2], {column});
    };
    const Tensor<double> c = generate({B, H}, [&](const Position& i) {
        return logistic(gate(1, i)) * at(state[1], i) + logistic(gate(0, i)) * std::tanh(gate(2, i));
    });
    return {generate({B, H}, [&](const Position& i) { return logistic(gate(3, i)) * std::tanh(at(c, i)); }),
            c};
}

Tensors gru_step(const Tensor<double>& x, const Tensors& state, const Tensors& p) {
    const auto from_x = [&](std::size_t k, const Position& i) {
        return product(x, p[0], i[0], k * H + i[1]) + at(p[2], {k * H + i[1]});
    };
    const auto from_h = [&](std::size_t k, const Position& i) {
        return product(state[0], p[1], i[0], k * H + i[1]);
    };
    return {generate({B, H}, [&](const Position& i) {
        const double update = logistic(from_x(0, i) + from_h(0, i));
        const double reset = logistic(from_x(1, i) + from_h(1, i));
        const double candidate = std::tanh(from_x(2, i) + reset * (from_h(2, i) + at(p[3], {i[1]})));
        return update * at(state[0], i) + (1 - update) * candidate;
    })};
}

/// A cell's equations, and what it is run on: x, the initial state's parts, the parameters.
struct Case {
    std::size_t parts;
    Step step;
    Tensors arguments;
};

/// The outputs of all time steps, and the parts of the last state.
Tensors run_loops(const Case& c, const Tensors& arguments) {
    const auto begin = arguments.begin() + 1;
    const auto middle = begin + static_cast<std::ptrdiff_t>(c.parts);
    Tensors state(begin, middle);
    const Tensors parameters(middle, arguments.end());
    Tensor<double> outputs = uninitialised<double>({T, B, H});
    for (std::size_t t = 0; t < T; ++t) {
        const Tensor<double> x = generate({B, I}, [&](const Position& i) {
            return at(arguments[0], {t, i[0], i[1]});
        });
        state = c.step(x, state, parameters);
        std::copy_n(state[0].data(), B * H, outputs.data() + t * B * H);
    }
    state.insert(state.begin(), outputs);
    return state;
}

template <class C>
Case case_of(C& cell, std::size_t parts, Step step) {
    Random random("cells");
    Tensors arguments{random.tensor({T, B, I})};
    for (std::size_t k = 0; k < parts; ++k) arguments.push_back(random.tensor({B, H}));
    for (const auto& entry : cell.parameters()) arguments.push_back(random.tensor(entry.parameter->shape()));
    return {parts, std::move(step), std::move(arguments)};
}

struct Run {
    Tensors results;
    Tensors gradients;
    Tensors recorded;  ///< the same from `gradient_graph`
    Tensors second;    ///< the gradient of <recorded, direction>
};

constexpr unsigned all = ~0U;

/// Unrolls the cell on a tape; the results whose bit is in `used` get the cotangents.
template <class C>
Run run_tape(C& cell, const Tensors& arguments, const Tensors& cotangents, const Tensors& directions,
             unsigned used = all, bool fuse = true) {
    Tape<double> tape({.fuse = fuse});
    const Var<double> x = input(arguments[0]);
    WrtList<double> wrt{x};
    std::size_t next = 1;
    const auto given = [&](const Var<double>&) {
        const Var<double> part = input(arguments[next++]);
        wrt.add(part);
        return part;
    };
    const auto state = nn::map_state(given, cell.initial_state(B));
    for (const auto& entry : cell.parameters()) {
        entry.parameter->assign(arguments[next++]);
        wrt.add(*entry.parameter);
    }
    const auto unrolled = nn::unroll(cell, x, state);
    std::vector<Var<double>> y{unrolled.outputs};
    nn::for_each_part([&](const Var<double>& part) { y.push_back(part); }, unrolled.state);

    Run run;
    std::vector<Root<double>> roots;
    std::vector<GraphRoot<double>> graph_roots;
    for (std::size_t k = 0; k < y.size(); ++k) {
        run.results.push_back(y[k].value());
        if ((used >> k & 1U) == 0) continue;
        roots.push_back({y[k], cotangents[k]});
        graph_roots.push_back({y[k], input(cotangents[k])});
    }
    for (const Tensor<double>& g : gradient(roots, wrt)) run.gradients.push_back(g);
    const GradientGraph<double> graph = gradient_graph(graph_roots, wrt);
    Var<double> projected = input(filled({}, 0));
    for (std::size_t k = 0; k < graph.size(); ++k) {
        run.recorded.push_back(graph.at(k).value());
        projected = projected + sum(graph.at(k) * directions[k]);
    }
    for (const Tensor<double>& g : gradient(projected, wrt)) run.second.push_back(g);
    return run;
}

Tensors random_like(std::string_view seed, const Tensors& x) {
    Random random(seed);
    Tensors result;
    for (const Tensor<double>& one : x) result.push_back(random.tensor(shape_of(one)));
    return result;
}

void check_all_close(const Tensors& actual, const Tensors& expected, double tolerance) {
    REQUIRE(actual.size() == expected.size());
    for (std::size_t k = 0; k < actual.size(); ++k) {
        CAPTURE(k);
        check_close(actual[k], expected[k], tolerance);
    }
}

template <class C>
void check_cell(C& cell, const Case& c) {
    const Tensors values = run_loops(c, c.arguments);
    const Tensors cotangents = random_like("cotangents", values);
    const Tensors directions = random_like("directions", c.arguments);
    const auto run = [&](const Tensors& arguments, unsigned used, bool fuse) {
        return run_tape(cell, arguments, cotangents, directions, used, fuse);
    };
    const Run fused = run(c.arguments, all, true);
    check_all_close(fused.results, values, 1e-13);

    for (std::size_t k = 0; k < c.arguments.size(); ++k) {
        CAPTURE(k);
        const auto loss = [&](const Tensors& a) { return inner(run_loops(c, a), cotangents); };
        check_close(fused.gradients[k], derivative(loss, c.arguments, k), 1e-8);
    }
    check_all_close(fused.recorded, fused.gradients, 1e-12);
    const auto gradients = [&](const Tensors& a) { return run(a, all, true).gradients; };
    check_all_close(fused.second, derivative_along(gradients, c.arguments, directions), 1e-7);

    const Run plain = run(c.arguments, all, false);
    check_all_close(plain.results, fused.results, 1e-13);
    check_all_close(plain.gradients, fused.gradients, 1e-12);
    check_all_close(plain.second, fused.second, 1e-11);

    // One result alone: the outputs, h, c.
    for (unsigned only = 0; only < values.size(); ++only) {
        CAPTURE(only);
        Tensors single = cotangents;
        for (std::size_t k = 0; k < single.size(); ++k)
            if (k != only) single[k].fill(0);
        const Tensors whole = run_tape(cell, c.arguments, single, directions).gradients;
        check_all_close(run(c.arguments, 1U << only, true).gradients, whole, 1e-13);
        check_all_close(run(c.arguments, 1U << only, false).gradients, whole, 1e-12);
    }
}

/// Whether the k-th of n square blocks, side by side, is orthogonal.
template <class V>
void check_orthogonal_block(const Tensor<V>& packed, std::size_t k) {
    const std::size_t n = packed.shape()[0];
    const Tensor<double> block = part_of(as_double(packed), 1, k * n, n);
    const Tensor<double> squares = generate({n, n}, [&](const Position& i) {
        double total = 0;
        for (std::size_t j = 0; j < n; ++j) total += at(block, {i[0], j}) * at(block, {i[1], j});
        return total;
    });
    check_close(squares, nn::identity<double>(n), 1e-5);
}

}  // namespace

TEST_CASE("cells: Elman's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    const auto check = [&](nn::Activation activation, double (*f)(double)) {
        nn::ElmanCell<double> cell(I, H, generator, {activation});
        check_cell(cell, case_of(cell, 1, elman_step(f)));
    };
    SUBCASE("tanh") {
        check(nn::Activation::tanh, [](double a) { return std::tanh(a); });
    }
    SUBCASE("relu") {
        check(nn::Activation::relu, [](double a) { return a > 0 ? a : 0; });
    }
    SUBCASE("sigmoid") { check(nn::Activation::sigmoid, logistic); }
}

TEST_CASE("cells: the LSTM's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    check_cell(cell, case_of(cell, 2, lstm_step));
}

TEST_CASE("cells: the GRU's values and gradients of both orders are those of plain loops") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    check_cell(cell, case_of(cell, 1, gru_step));
}

TEST_CASE("cells: in float they are near those in double") {
    nn::Generator generator(1);
    const auto check = [&](auto&& cell, auto&& wide, std::size_t parts, const Step& step) {
        const Case c = case_of(wide, parts, step);
        std::size_t next = 1;
        Tape<float> tape;
        const auto given = [&](const auto&) { return input(rounded<float>(c.arguments[next++])); };
        const auto state = nn::map_state(given, cell.initial_state(B));
        for (const auto& entry : cell.parameters())
            entry.parameter->assign(rounded<float>(c.arguments[next++]));
        const auto y = nn::unroll(cell, input(rounded<float>(c.arguments[0])), state).outputs;
        check_close(as_double(y.value()), run_loops(c, c.arguments)[0], 1e-5);
    };
    const auto tanh_step = elman_step([](double a) { return std::tanh(a); });
    check(nn::ElmanCell<float>(I, H, generator), nn::ElmanCell<double>(I, H, generator), 1, tanh_step);
    check(nn::LstmCell<float>(I, H, generator), nn::LstmCell<double>(I, H, generator), 2, lstm_step);
    check(nn::GruCell<float>(I, H, generator), nn::GruCell<double>(I, H, generator), 1, gru_step);
}

TEST_CASE("cells: start from zeros, and list their parameters by name") {
    nn::Generator generator(1);
    const auto check = [&](auto&& cell, const std::vector<std::string>& names) {
        Tape<float> tape;
        const auto is_zero = [](const Var<float>& part) {
            check_same_bits(as_double(part.value()), filled({B, H}, 0));
        };
        nn::for_each_part(is_zero, cell.initial_state(B));
        std::vector<std::string> paths;
        for (const auto& entry : cell.parameters()) paths.push_back(entry.path);
        CHECK(paths == names);
    };
    check(nn::ElmanCell<float>(I, H, generator), {"U", "W", "b"});
    check(nn::LstmCell<float>(I, H, generator), {"U", "W", "b"});
    check(nn::GruCell<float>(I, H, generator), {"U", "W", "b", "b_recurrent"});
}

TEST_CASE("cells: each gate starts as a matrix of its own, the forget gate open") {
    nn::Generator generator(7);
    const nn::LstmCell<float> lstm(I, H, generator);
    for (std::size_t k = 0; k < 4; ++k) check_orthogonal_block(lstm.W.value(), k);
    for (std::size_t k = 0; k < 4 * H; ++k) CHECK(lstm.b.value()[k] == (k / H == 1 ? 1.0F : 0.0F));
    CHECK(nn::LstmCell<float>(I, H, generator, {.forget_bias = -2}).b.value()[H] == -2.0F);
    const nn::GruCell<float> gru(I, H, generator);
    for (std::size_t k = 0; k < 3; ++k) check_orthogonal_block(gru.W.value(), k);
    CHECK(shape_of(gru.U.value()) == Shape{I, 3 * H});
    const double bound = std::sqrt(6.0 / (I + H));
    for (float element : lstm.U.value()) CHECK(std::abs(element) <= bound);
    const Tensor<double> first = part_of(as_double(lstm.U.value()), 1, 0, H);
    CHECK(difference(part_of(as_double(lstm.U.value()), 1, H, H), first, 0.1) != "");
}

TEST_CASE("cells: weights that do not fit, and sizes of 0, are refused") {
    nn::Generator generator(1);
    const auto elman = [](const Shape& U, const Shape& W, const Shape& b) {
        return text_of<std::invalid_argument>(
            [&] { nn::ElmanCell<double>(filled(U, 1), filled(W, 1), filled(b, 1)); });
    };
    CHECK(elman({3, 4}, {4, 4}, {4}) == "");
    CHECK(elman({3, 4}, {4, 5}, {4}) ==
          "ElmanCell: U is [3, 4], W [4, 5] and b [4]; they must be [I, H], [H, H] and [H]");
    CHECK(elman({4, 3}, {4, 4}, {4}) != "");
    CHECK(elman({3, 4}, {4, 4}, {4, 1}) != "");
    CHECK(elman({4}, {4, 4}, {4}) != "");
    const auto refused = [&](auto&& make, const std::string& text) {
        CHECK(text_of<std::invalid_argument>([&] { make(); }) == text);
    };
    refused([&] { nn::ElmanCell<double>(0, 2, generator); },
            "ElmanCell: input_size is 0 and hidden_size 2; both must be at least 1");
    refused([&] { nn::LstmCell<double>(2, 0, generator); },
            "LstmCell: input_size is 2 and hidden_size 0; both must be at least 1");
    refused([&] { nn::GruCell<double>(0, 0, generator); },
            "GruCell: input_size is 0 and hidden_size 0; both must be at least 1");
}
