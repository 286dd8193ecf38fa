#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

// Cells as a user writes them, and what is not one.

namespace {

using D = Var<double>;

/// A unit that forgets at a learnt rate: k = s(a), h' = k h + (1 - k) tanh(x U).
struct LeakyCell {
    Parameter<double> U;
    Parameter<double> a;

    D initial_state(std::size_t batch) const { return input(filled({batch, a.shape()[0]}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D keep = sigmoid(a);
        const D next = keep * h + (1 - keep) * tanh(matmul(x, U));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, a); }
};

/// A cell that does the same, with the input's part ahead of the loop and `map` for the rest.
struct LeakyMapCell {
    Parameter<double> U;
    Parameter<double> a;

    D initial_state(std::size_t batch) const { return input(filled({batch, a.shape()[0]}, 0)); }
    D project(const D& x) const { return matmul(x, U); }
    auto step(const D& u, const D& h) const {
        const D next = map(
            [](auto own_u, auto own_a, auto own_h) {
                auto keep = sigmoid(own_a);
                return keep * own_h + (1 - keep) * tanh(own_u);
            },
            u, a, h);
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, a); }
};

Tensor<double> leaky_loops(const Tensor<double>& x, const Tensor<double>& U, const Tensor<double>& a,
                           const Tensor<double>& h0) {
    const std::size_t T = x.shape()[0];
    const std::size_t B = x.shape()[1];
    const std::size_t H = a.size();
    Tensor<double> h = h0;
    Tensor<double> outputs = tapeloop::detail::uninitialised<double>({T, B, H});
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t row = 0; row < B; ++row)
            for (std::size_t j = 0; j < H; ++j) {
                double sum = 0;
                for (std::size_t k = 0; k < x.shape()[2]; ++k) sum += at(x, {t, row, k}) * at(U, {k, j});
                const double keep = 1 / (1 + std::exp(-a[j]));
                h(row, j) = keep * h(row, j) + (1 - keep) * std::tanh(sum);
                outputs(t, row, j) = h(row, j);
            }
    return outputs;
}

template <class C>
void check_leaky() {
    Random random("leaky");
    const Tensors arguments{random.tensor({4, 2, 3}), random.tensor({3, 5}), random.tensor({5}),
                            random.tensor({2, 5})};
    const auto loops = [](const Tensors& v) { return leaky_loops(v[0], v[1], v[2], v[3]); };
    const Tensor<double> cotangent = random.tensor({4, 2, 5});
    C cell{Parameter<double>("U", arguments[1]), Parameter<double>("a", arguments[2])};
    Tape<double> tape;
    const D x = input(arguments[0]);
    const D h0 = input(arguments[3]);
    const auto unrolled = nn::unroll(cell, x, h0);
    check_close(unrolled.outputs.value(), loops(arguments), 1e-13);
    const Gradients<double> g =
        gradient(std::vector<GradientRoot<double>>{{unrolled.outputs, cotangent}}, {x, cell.U, cell.a, h0});
    const auto loss = [&](const Tensors& v) { return inner({loops(v)}, {cotangent}); };
    for (std::size_t k = 0; k < 4; ++k) {
        CAPTURE(k);
        check_close(g.at(k), derivative(loss, arguments, k), 1e-8);
    }
}

using Nested = std::tuple<D, std::pair<D, std::array<D, 2>>, std::vector<D>>;

/// A state of every structure there is. What it does is of no matter, but that every part of the state does.
struct NestedCell {
    Nested initial_state(std::size_t batch) const {
        const D zero = input(filled({batch, 2}, 0));
        return {zero, {zero, {zero, zero}}, {zero, zero, zero}};
    }
    auto step(const D& x, const Nested& state) const {
        std::size_t part = 0;
        D total = x;
        const auto moved = [&](const D& own) {
            total = total + own;
            return own * static_cast<double>(++part) + x;
        };
        const Nested next = nn::map_state(moved, state);
        return std::pair{total, next};
    }
};

/// Nothing is handed on; that it is in double cannot be told from the state.
struct StatelessCell {
    using value_type = double;
    std::tuple<> initial_state(std::size_t) const { return {}; }
    auto step(const D& x, const std::tuple<>& state) const { return std::pair{2 * x, state}; }
};

struct NoInitialState {
    std::pair<D, D> step(const D& x, const D& h) const { return {x, h}; }
};
struct StateOfTensors {
    Tensor<double> initial_state(std::size_t) const { return {}; }
    std::pair<D, D> step(const D& x, const D& h) const { return {x, h}; }
};
struct StateOfTwoPrecisions {
    using State = std::pair<D, Var<float>>;
    State initial_state(std::size_t) const { return {}; }
    std::pair<D, State> step(const D& x, const State& state) const { return {x, state}; }
};
struct NoStep {
    D initial_state(std::size_t) const { return {}; }
};
struct StepThatIsNotConst {
    D initial_state(std::size_t) const { return {}; }
    std::pair<D, D> step(const D& x, const D& h) { return {x, h}; }
};
struct StepWithoutState {
    D initial_state(std::size_t) const { return {}; }
    D step(const D& x, const D&) const { return x; }
};
struct StepToAnotherState {
    std::array<D, 2> initial_state(std::size_t) const { return {}; }
    std::pair<D, D> step(const D& x, const std::array<D, 2>& state) const { return {x, state[0]}; }
};
struct StepOfFloats {
    D initial_state(std::size_t) const { return {}; }
    std::pair<Var<float>, D> step(const Var<float>& x, const D& h) const { return {x, h}; }
};
struct ProjectThatDoesNotFit {
    D initial_state(std::size_t) const { return {}; }
    D project(const D& x) { return x; }
    std::pair<D, D> step(const D& x, const D& h) const { return {x, h}; }
};
struct ProjectToATensor {
    D initial_state(std::size_t) const { return {}; }
    Tensor<double> project(const D& x) const { return x.value(); }
    std::pair<D, D> step(const D& x, const D& h) const { return {x, h}; }
};

static_assert(nn::TrainableCell<nn::ElmanCell<double>> && nn::TrainableCell<nn::LstmCell<float>>);
static_assert(nn::TrainableCell<nn::GruCell<float>>);
static_assert(nn::TrainableCell<LeakyCell> && nn::TrainableCell<LeakyMapCell>);
static_assert(nn::Cell<NestedCell> && !nn::TrainableCell<NestedCell>);
static_assert(nn::Cell<StatelessCell>);
static_assert(std::is_same_v<nn::ValueOf<StatelessCell>, double>);
static_assert(std::is_same_v<nn::ValueOf<nn::LstmCell<float>>, float>);
static_assert(std::is_same_v<nn::StateOf<nn::LstmCell<float>>, std::array<Var<float>, 2>>);
static_assert(std::is_same_v<nn::StateOf<NestedCell>, Nested>);

static_assert(!nn::Cell<int> && !nn::Cell<D>);
static_assert(!nn::Cell<NoInitialState>);
static_assert(!nn::Cell<StateOfTensors>);
static_assert(!nn::Cell<StateOfTwoPrecisions>);
static_assert(!nn::Cell<NoStep>);
static_assert(!nn::Cell<StepThatIsNotConst>);
static_assert(!nn::Cell<StepWithoutState>);
static_assert(!nn::Cell<StepToAnotherState>);
static_assert(!nn::Cell<StepOfFloats>);
static_assert(!nn::Cell<ProjectThatDoesNotFit>);
static_assert(!nn::Cell<ProjectToATensor>);

static_assert(nn::State<D, double> && nn::State<Nested, double> &&
              nn::State<std::vector<std::vector<D>>, double>);
static_assert(!nn::State<D, float> && !nn::State<Tensor<double>, double> && !nn::State<double, double>);

}  // namespace

TEST_CASE("cell: a user's, in plain operations and with map, is unrolled and differentiated") {
    SUBCASE("plain operations") { check_leaky<LeakyCell>(); }
    SUBCASE("map and project") { check_leaky<LeakyMapCell>(); }
}

TEST_CASE("cell: the state may be any structure of Vars") {
    Random random("nested");
    const Tensor<double> x = random.tensor({3, 4, 2});
    // Part k (from 1) goes from s to k s + x; all start from 0 and are added up.
    Tensor<double> expected = tapeloop::detail::uninitialised<double>({3, 4, 2});
    for (std::size_t i = 0; i < 8; ++i) {
        std::array<double, 7> parts{};
        for (std::size_t t = 0; t < 3; ++t) {
            const double own = x.data()[t * 8 + i];
            double total = own;
            for (std::size_t k = 0; k < parts.size(); ++k) {
                total += parts[k];
                parts[k] = parts[k] * static_cast<double>(k + 1) + own;
            }
            expected.data()[t * 8 + i] = total;
        }
    }
    Tape<double> tape;
    const auto unrolled = nn::unroll(NestedCell(), x, {.trace = true});
    check_close(unrolled.outputs.value(), expected, 1e-14);
    CHECK(unrolled.trace.size() == 3);
    CHECK(nn::shapes_of(unrolled.state) == std::vector<Shape>(7, Shape{4, 2}));
    CHECK(nn::same_shapes(unrolled.state, unrolled.trace[0]));
}

TEST_CASE("cell: without a state it is unrolled too") {
    Random random("stateless");
    const Tensor<double> x = random.tensor({3, 2, 2});
    Tape<double> tape;
    check_close(nn::unroll(StatelessCell(), x).outputs.value(), each(x, [](double v) { return 2 * v; }));
}

TEST_CASE("cell: the parts of a state keep their order and structure") {
    Tape<double> tape;
    const auto part = [](double value) { return input(filled({1}, value)); };
    const Nested state{part(1), {part(2), {part(3), part(4)}}, {part(5)}};
    std::vector<double> seen;
    nn::for_each_part([&](const D& a, const D& b) { seen.push_back(a.item() * 10 + b.item()); }, state,
                      state);
    CHECK(seen == std::vector<double>{11, 22, 33, 44, 55});

    const auto doubled =
        nn::map_state([](const D& a, const D& b) { return a.item() + b.item(); }, state, state);
    static_assert(
        std::is_same_v<decltype(doubled), const std::tuple<double, std::pair<double, std::array<double, 2>>,
                                                           std::vector<double>>>);
    CHECK(std::get<0>(doubled) == 2);
    CHECK(std::get<1>(doubled) == std::pair{4.0, std::array{6.0, 8.0}});
    CHECK(std::get<2>(doubled) == std::vector{10.0});
}

TEST_CASE("cell: states of other shapes or lengths are told apart") {
    Tape<double> tape;
    const auto part = [](const Shape& shape) { return input(filled(shape, 0)); };
    const auto state = [&](const Shape& shape, std::size_t count) {
        return Nested{part({1}), {part({1}), {part({1}), part(shape)}}, std::vector<D>(count, part({1}))};
    };
    CHECK(nn::same_shapes(state({1}, 2), state({1}, 2)));
    CHECK(!nn::same_shapes(state({1}, 2), state({2}, 2)));
    CHECK(!nn::same_shapes(state({1}, 2), state({1}, 3)));
    CHECK(!nn::same_shapes(state({1}, 3), state({1}, 2)));
    CHECK(nn::shapes_of(state({2, 3}, 1)) ==
          std::vector<Shape>{Shape{1}, Shape{1}, Shape{1}, Shape{2, 3}, Shape{1}});
}

TEST_CASE("cell: a carried state outlives its tape, and comes back as inputs") {
    nn::Carried<Nested> carried;
    {
        Tape<double> tape;
        const auto part = [](double value) { return input(filled({2}, value)) * 2; };
        carried = nn::carry(Nested{part(1), {part(2), {part(3), part(4)}}, {part(5)}});
    }
    Tape<double> tape;
    const Nested resumed = nn::resume(carried);
    CHECK(tape.size() == 5);
    double expected = 2;
    nn::for_each_part(
        [&](const D& part) {
            check_same_bits(part.value(), filled({2}, expected));
            CHECK(tape.inputs(part.index()).empty());
            expected += 2;
        },
        resumed);
    const D& last = std::get<2>(resumed)[0];
    check_close(gradient(sum(last * last), {last})[last], filled({2}, 20));
}
