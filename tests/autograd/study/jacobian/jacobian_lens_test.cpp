#include <tests/autograd/study/jacobian/jacobians.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>
#include <nn/wrappers/any_layer.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>

#include <algorithm>
#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 4;
constexpr std::size_t B = 3;
constexpr std::size_t I = 2;
constexpr std::size_t H = 3;

Tensor<double> identity(std::size_t n) {
    return generate({n, n}, [](const Position& p) { return p[0] == p[1] ? 1.0 : 0.0; });
}

/// A state that is random in every part, as inputs of the current tape.
template <class C>
nn::StateOf<C> random_state(const C& cell, std::string_view seed) {
    Random random(seed);
    return nn::map_state([&](const auto& part) { return input(random.tensor(part.shape())); },
                         cell.initial_state(B));
}

/// All parts of one row of a state, side by side.
template <class S>
std::vector<double> row_of(const S& state, std::size_t row) {
    std::vector<double> numbers;
    nn::for_each_part(
        [&](const Var<double>& part) {
            const Tensor<double> value = part.value();
            const std::size_t width = value.size() / B;
            numbers.insert(numbers.end(), value.data() + row * width, value.data() + (row + 1) * width);
        },
        state);
    return numbers;
}

/// Returns the same state with `amount` added to one of the numbers of a row.
template <class S>
S with_moved(const S& state, std::size_t row, std::size_t place, double amount) {
    std::size_t before = 0;
    return nn::map_state(
        [&](const auto& part) {
            Tensor<double> value = part.value();
            const std::size_t width = value.size() / B;
            if (place >= before && place < before + width)
                value.data()[row * width + place - before] += amount;
            before += width;
            return input(value);
        },
        state);
}

/// d state(t) / d state(t-1) of one row, by differences of a step that is computed again.
template <class C>
Tensor<double> by_differences(const C& cell, const Tensor<double>& x, const nn::StateOf<C>& state,
                              std::size_t row) {
    const std::size_t S = row_of(state, row).size();
    Tensor<double> J = filled({S, S}, 0);
    constexpr double h = 1e-5;
    for (std::size_t j = 0; j < S; ++j) {
        const auto above = row_of(nn::advance(cell, input(x), with_moved(state, row, j, h)).second, row);
        const auto below = row_of(nn::advance(cell, input(x), with_moved(state, row, j, -h)).second, row);
        for (std::size_t i = 0; i < S; ++i) J(i, j) = (above[i] - below[i]) / (2 * h);
    }
    return J;
}

Tensor<double> input_at(const Tensor<double>& x, std::size_t t) {
    Tensor<double> step = tapeloop::detail::uninitialised<double>({x.shape(1), x.shape(2)});
    std::copy_n(x.data() + t * step.size(), step.size(), step.data());
    return step;
}

template <class C>
void check_cell(const C& cell, std::string_view seed, TapeOptions options = {}) {
    Random random(seed);
    const Tensor<double> x = random.tensor({T, B, I});
    Tape<double> tape(options);
    const auto initial = random_state(cell, seed);
    const auto run = nn::unroll(cell, x, initial, {.trace = true});
    const JacobianLens lens = jacobian_lens(nn::states(initial, run.trace), {.rows = {2, 0}});
    for (std::size_t row : {0U, 2U}) {
        const std::vector<StepJacobian>& steps = lens.of_row(row);
        REQUIRE(steps.size() == T);
        for (std::size_t t = 0; t < T; ++t) {
            CAPTURE(row);
            CAPTURE(t);
            CHECK(steps[t].time_step == t);
            const auto& before = t == 0 ? initial : run.trace[t - 1];
            const std::string problem =
                difference(steps[t].whole, by_differences(cell, input_at(x, t), before, row), 1e-7);
            CHECK_MESSAGE(problem.empty(), problem);
            check_close(plus(times(steps[t].activations, steps[t].weights), steps[t].direct), steps[t].whole,
                        1e-12);
        }
    }
    // A product is what one sweep over all of its steps gives.
    const ScaledMatrix product = lens.product(0, T, 2);
    const std::size_t S = product.matrix.shape(0);
    std::size_t i = 0;
    nn::for_each_part(
        [&](const Var<double>& part) {
            const std::size_t width = part.shape().size() / B;
            for (std::size_t k = 0; k < width; ++k, ++i) {
                GradientRoot<double> root{part, filled(part.shape(), 0)};
                root.cotangent.data()[2 * width + k] = 1;
                std::vector<Wrt<double>> wrt;
                nn::for_each_part([&](const auto& one) { wrt.emplace_back(one); }, initial);
                std::vector<double> expected;
                for (const Tensor<double>& g : gradient(std::vector{root}, WrtList<double>(wrt)))
                    expected.insert(expected.end(), g.data() + 2 * (g.size() / B),
                                    g.data() + 3 * (g.size() / B));
                for (std::size_t j = 0; j < S; ++j)
                    CHECK(product.matrix(i, j) * std::exp(product.log_scale) ==
                          doctest::Approx(expected[j]).epsilon(1e-10));
            }
        },
        run.state);
}

/// Takes the mean of the batch out of the state, as batch normalisation does.
struct CoupledCell {
    Parameter<double> W;

    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, H}, 1)); }
    auto step(const Var<double>& /*x*/, const Var<double>& h) const {
        const Var<double> a = matmul(h, W);
        const Var<double> next = a - mean(a, 0, true);
        return std::pair{next, next};
    }
};

/// h' = tanh(h W + h), written with h as the addend.
struct SkipCell {
    Parameter<double> W;

    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, H}, 0.1)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(affine(h, W, h) + sum(x));
        return std::pair{next, next};
    }
};

/// A state with a part that all steps read and none changes.
struct ReadingCell {
    Parameter<double> W;

    std::array<Var<double>, 2> initial_state(std::size_t batch) const {
        return {input(filled({batch, H}, 0.1)), input(filled({batch, 7}, 0.5))};
    }
    auto step(const Var<double>& /*x*/, const std::array<Var<double>, 2>& state) const {
        const Var<double> next = tanh(matmul(state[0], W)) * mean(state[1], -1, true);
        return std::pair{next, std::array{next, state[1]}};
    }
};

}  // namespace

TEST_CASE("jacobian lens: steps against differences, parts add up, products against one sweep") {
    SUBCASE("Elman") { check_cell(random_cell<nn::ElmanCell<double>>(1, I, H), "elman"); }
    SUBCASE("LSTM") { check_cell(random_cell<nn::LstmCell<double>>(2, I, H), "lstm"); }
    SUBCASE("GRU") { check_cell(random_cell<nn::GruCell<double>>(3, I, H), "gru"); }
    SUBCASE("GRU with the reset before, a product behind another") {
        check_cell(random_cell<nn::ResetBeforeGruCell<double>>(4, I, H), "reset before");
    }
    // Operation by operation h is computed from c, and its node must not pass that on.
    SUBCASE("LSTM unfused") {
        check_cell(random_cell<nn::LstmCell<double>>(5, I, H), "unfused", {.fuse = false});
    }
    SUBCASE("LSTM with peepholes and a projection, whose h and c differ in width") {
        nn::Generator generator(6);
        nn::LstmVariantCell<double> cell(I, H, generator, {.peephole = true, .projection = 2});
        Random random("peepholes");
        cell.p.assign(random.tensor(cell.p.shape()));
        check_cell(cell, "variant");
    }
    SUBCASE("an addend that is the factor, too") {
        Random random("skip");
        check_cell(SkipCell{Parameter<double>("W", random.tensor({H, H}))}, "skip");
    }
}

TEST_CASE("jacobian lens: a stack, whose upper layer reads the new state of the lower") {
    nn::Generator generator(7);
    nn::Stack<double> model;
    model.add("lower", nn::LstmCell<double>(I, H, generator));
    model.add("upper", nn::GruCell<double>(H, 2, generator));
    Random random("stack");
    const Tensor<double> x = random.tensor({T, B, I});
    Tape<double> tape;
    const auto initial = random_state(model, "stack state");
    for (bool hoist : {true, false}) {
        const auto run = nn::unroll(model, x, initial, {.hoist = hoist, .trace = true});
        const JacobianLens lens = jacobian_lens(nn::states(initial, run.trace), {.rows = {1}});
        for (std::size_t t = 0; t < T; ++t) {
            const StepJacobian& step = lens.of_row(1)[t];
            const auto& before = t == 0 ? initial : run.trace[t - 1];
            const std::string problem =
                difference(step.whole, by_differences(model, input_at(x, t), before, 1), 1e-7);
            CHECK_MESSAGE(problem.empty(), problem);
            check_close(plus(times(step.activations, step.weights), step.direct), step.whole, 1e-12);
        }
    }
}

TEST_CASE("jacobian lens: a part that was computed from another passes nothing on to it") {
    Random random("apart");
    Tape<double> tape;
    const Var<double> a = input(random.tensor({B, H}));
    // The step reads both results of the map, but only one of them is part of the state.
    const auto [part, aside] = map([](auto x) { return std::tuple{sin(x), x * x}; }, a);
    const Var<double> first = part * aside;
    const Var<double> second = 2 * a + 3 * part;
    const Tensor<double> J = jacobian_lens({{a, part}, {first, second}}).of_row(0)[0].whole;
    for (std::size_t i = 0; i < H; ++i)
        for (std::size_t j = 0; j < H; ++j) {
            const double x = a.value()(0, i);
            const double same = i == j ? 1 : 0;
            CHECK(J(i, j) == doctest::Approx(same * std::sin(x) * 2 * x));
            CHECK(J(i, H + j) == doctest::Approx(same * x * x));
            CHECK(J(H + i, j) == doctest::Approx(same * 2));
            CHECK(J(H + i, H + j) == doctest::Approx(same * 3));
        }
}

TEST_CASE("jacobian lens: the parts of an Elman step are diag(f') and W, of an LSTM's c the forget gate") {
    nn::ElmanCell<double> elman = random_cell<nn::ElmanCell<double>>(8, I, H);
    Random random("parts");
    const Tensor<double> x = random.tensor({T, B, I});
    {
        Tape<double> tape;
        const auto run = nn::unroll(elman, x, {.trace = true});
        const JacobianLens lens = jacobian_lens(nn::states(run.trace));
        REQUIRE(lens.of_row(0).size() == T - 1);
        CHECK(lens.of_row(0)[0].time_step == 1);
        for (std::size_t t = 1; t < T; ++t) {
            const StepJacobian& step = lens.of_row(0)[t - 1];
            const Tensor<double> h = run.trace[t].value();
            check_close(step.activations, generate({H, H}, [&](const Position& p) {
                            return p[0] == p[1] ? 1 - h(0, p[0]) * h(0, p[0]) : 0.0;
                        }));
            check_close(step.weights, transposed(elman.W.value()));
            check_close(step.direct, filled({H, H}, 0));
        }
    }
    nn::LstmCell<double> lstm = random_cell<nn::LstmCell<double>>(9, I, H);
    Tape<double> tape;
    const auto initial = random_state(lstm, "lstm parts");
    const auto run = nn::unroll(lstm, x, initial, {.trace = true});
    const StepJacobian step = jacobian_lens(nn::states(initial, run.trace)).of_row(0)[0];
    const Tensor<double> a =
        plus(times(input_at(x, 0), lstm.U.value()), times(initial[0].value(), lstm.W.value()));
    for (std::size_t i = 0; i < H; ++i) {
        const double forget = 1 / (1 + std::exp(-(a(0, H + i) + lstm.b.value()(H + i))));
        for (std::size_t j = 0; j < H; ++j) {
            CHECK(step.direct(H + i, H + j) == doctest::Approx(i == j ? forget : 0));
            CHECK(step.direct(i, j) == 0);
        }
    }
    check_close(part_of(step.weights, 1, 0, H), transposed(lstm.W.value()));
    check_close(part_of(step.weights, 1, H, H), filled({4 * H, H}, 0));
}

TEST_CASE("jacobian lens: a matrix of data is no weight, a masked parameter is one") {
    const Parameter<double> W("W", orthogonal(H, 1));
    Tape<double> tape;
    const Var<double> h = input(filled({B, H}, 0.1));
    const Var<double> by_data = tanh(matmul(h, input(orthogonal(H, 2))));
    CHECK(jacobian_lens({{h}, {by_data}}).of_row(0)[0].weights.shape(0) == 0);
    CHECK(jacobian_lens({{h}, {by_data}}).spectrum().steps[0].direct > 1);
    const Var<double> masked = W * 0.5;
    const Var<double> by_weight = tanh(matmul(h, masked));
    check_close(jacobian_lens({{h}, {by_weight}}).of_row(0)[0].weights,
                each(transposed(W.value()), [](double w) { return w / 2; }));
    // What another time step computed is data, though a parameter took part.
    const Var<double> memory = [&] {
        const LabelScope<double> step(0);
        return tanh(matmul(input(filled({H, H}, 0.2)), W));
    }();
    const LabelScope<double> step(1);
    CHECK(jacobian_lens({{h}, {matmul(h, memory)}}).of_row(0)[0].weights.shape(0) == 0);
}

TEST_CASE("jacobian lens: reversed, padded and handed-on states") {
    nn::ElmanCell<double> cell = random_cell<nn::ElmanCell<double>>(11, I, H);
    Random random("ways");
    const Tensor<double> x = random.tensor({T, B, I});
    Tape<double> tape;
    const auto back = nn::unroll(cell, x, {.trace = true, .reverse = true});
    const JacobianLens reversed = jacobian_lens(nn::states(back.trace));
    CHECK(reversed.of_row(0)[0].time_step == T - 2);
    check_close(reversed.of_row(0)[0].whole, by_differences(cell, input_at(x, T - 2), back.trace[T - 1], 0),
                1e-7);

    // Row 1 ends after two steps and keeps its state; the others go on.
    const auto padded = nn::unroll(cell, x, {.trace = true, .lengths = {T, 2, 3}});
    const JacobianLens lens = jacobian_lens(nn::states(padded.trace), {.rows = {0, 1, 2}});
    check_close(lens.of_row(1)[1].whole, identity(H));
    check_close(lens.of_row(1)[1].direct, identity(H));
    check_close(lens.of_row(2)[2].whole, identity(H));
    check_close(lens.of_row(0)[2].whole, by_differences(cell, input_at(x, 3), padded.trace[2], 0), 1e-7);

    const ReadingCell reading{Parameter<double>("W", random.tensor({H, H}))};
    const auto initial = reading.initial_state(B);
    const auto run = nn::unroll(reading, x, initial, {.trace = true});
    CHECK(jacobian_lens(nn::states(initial, run.trace)).of_row(0)[0].whole.shape(0) == H);
}

TEST_CASE("jacobian lens: a reversed trace whose first part is handed on unchanged") {
    Random random("reversed");
    Tape<double> tape;
    const Var<double> W = input(random.tensor({H, H}));
    const Var<double> memory = input(random.tensor({B, H}));
    Var<double> h = input(random.tensor({B, H}));
    std::vector<std::pair<Var<double>, Var<double>>> trace(T);
    for (std::size_t t = T; t-- > 0;) {
        const LabelScope<double> step(t);
        h = tanh(matmul(h, W) + memory);
        trace[t] = {memory, h};
    }
    const JacobianLens lens = jacobian_lens(nn::states(trace));
    REQUIRE(lens.of_row(0).size() == T - 1);
    CHECK(lens.of_row(0).front().time_step == T - 2);
    CHECK(lens.of_row(0).back().time_step == 0);
    CHECK(nn::states(std::vector<std::pair<Var<double>, Var<double>>>()).empty());
}

TEST_CASE("jacobian lens: two directions are refused together, and taken one at a time") {
    const nn::Bidirectional network{random_cell<nn::ElmanCell<double>>(11, I, H),
                                    random_cell<nn::ElmanCell<double>>(12, I, H)};
    const Tensor<double> x = Random("directions").tensor({T, B, I});
    Tape<double> tape;
    const auto run = nn::unroll(network, x, {.trace = true});
    const auto both = [&] { jacobian_lens(nn::states(run.trace)); };
    CHECK(contains(text_of<std::invalid_argument>(both), "part 1 of state 1 was computed before state 0"));
    CHECK(contains(text_of<std::invalid_argument>(both), "take the states of one"));

    std::vector<Var<double>> backward;
    for (const auto& [forward, state] : run.trace) backward.push_back(state);
    const JacobianLens lens = jacobian_lens(nn::states(backward));
    check_close(lens.of_row(0)[0].whole,
                by_differences(network.backward, input_at(x, T - 2), backward[T - 1], 0), 1e-7);

    // One layer that reads in reverse above one that does not.
    nn::Stack<double> stack;
    stack.add("lower", random_cell<nn::ElmanCell<double>>(14, I, H));
    stack.add("upper", nn::Reversed<nn::ElmanCell<double>>{random_cell<nn::ElmanCell<double>>(13, H, H)});
    const auto stacked = nn::unroll(stack, x, {.trace = true});
    const auto layers = [&] { jacobian_lens(nn::states(stacked.trace)); };
    CHECK(contains(text_of<std::invalid_argument>(layers), "take the states of one"));
}

TEST_CASE("jacobian lens: what it refuses") {
    nn::LstmCell<double> cell = random_cell<nn::LstmCell<double>>(13, I, H);
    Tape<double> tape;
    const auto initial = cell.initial_state(B);
    const auto run = nn::unroll(cell, filled({T, B, I}, 1), initial, {.trace = true});
    const auto error = [](const States<double>& states, const LensOptions& options = {}) {
        return text_of<std::invalid_argument>([&] { jacobian_lens(states, options); });
    };
    CHECK(contains(error(nn::states(initial, run.trace)), "two parts of state 0 are one and the same node"));
    CHECK(contains(error({}), "at least two states"));
    CHECK(contains(error({{run.trace[0][0]}}), "at least two states"));
    CHECK(contains(error({{run.trace[0][0]}, {run.trace[0][0]}}), "no step changes"));
    CHECK(contains(error({{run.trace[0][0]}, {run.trace[1][0], run.trace[1][1]}}), "state 1 has 2 parts"));
    CHECK(contains(error({{run.trace[1][0]}, {run.trace[0][0]}}), "computed before state 0"));
    CHECK(contains(error(nn::states(run.trace), {.rows = {3}}), "row 3 of a batch of 3"));
    CHECK(contains(error(nn::states(run.trace), {.rows = {}}), "no rows"));
    CHECK(contains(error({{input(filled({2, 3}, 0))}, {input(filled({2, 4}, 0))}}), "[2, 4]"));
    const JacobianLens lens = jacobian_lens(nn::states(run.trace));
    CHECK(contains(text_of<std::invalid_argument>([&] { lens.of_row(1); }), "row 1 was not asked for"));
    CHECK(contains(text_of<std::invalid_argument>([&] { lens.product(2, 4, 0); }), "of 3 steps"));
    CHECK(contains(text_of<std::invalid_argument>([&] { lens.spectrum(0, {.warm_up = 3}); }), "warm-up"));

    const CoupledCell coupled{Parameter<double>("W", orthogonal(H, 1))};
    const auto mixed = nn::unroll(coupled, filled({T, B, I}, 1), {.trace = true});
    CHECK(contains(error(nn::states(mixed.trace)), "depends on another row"));
    const LinearCell huge(filled({H, H}, 1e200));
    const Var<double> start = input(filled({B, H}, 1e200));
    CHECK_NOTHROW(jacobian_lens({{start}, {huge.step(start, start).second}}));
    const Var<double> grown = square(square(start));
    CHECK(contains(error({{start}, {grown}}), "not finite"));
    Tape<double> other;
    const States<double> apart{{start}, {input(filled({B, H}, 1))}};
    CHECK(contains(text_of<std::logic_error>([&] { jacobian_lens(apart); }), "different tapes"));
}
