#include <tests/nn/sequence/prepared_cells.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/decoding/decoding.hpp>
#include <nn/decoding/encoder_decoder.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/reversed.hpp>
#include <nn/wrappers/stack.hpp>
#include <nn/wrappers/zoneout.hpp>

#include <type_traits>

using namespace tapeloop;
using namespace tapeloop::test;

// What a cell makes of its parameters once per unroll.

namespace {

using D = Var<double>;

constexpr std::size_t T = 4;
constexpr std::size_t B = 2;
constexpr std::size_t H = width;

/// The matrix as part of the state.
struct InTheState : InEveryStep {
    using State = std::pair<D, D>;
    State initial_state(std::size_t batch) const { return {InEveryStep::initial_state(batch), matrix()}; }
    auto step(const D& x, const State& state) const {
        const D next = state.first + 0.5 * tanh(matmul(x, U) + matmul(state.first, state.second));
        return std::pair{next, State{next, state.second}};
    }
};

static_assert(nn::TrainableCell<Once> && nn::TrainableCell<TwoParts> && nn::TrainableCell<InTheState>);
static_assert(nn::TrainableCell<nn::Zoneout<Once>> && nn::TrainableCell<nn::RecurrentDropout<TwoParts>>);

struct PrepareOfTensors : InEveryStep {
    Tensor<double> prepare() const { return W.value(); }
};
struct PrepareThatIsNotConst : InEveryStep {
    D prepare() { return matrix(); }
};
static_assert(!nn::Cell<PrepareOfTensors> && !nn::Cell<PrepareThatIsNotConst>);

/// Outputs and gradients of all parameters.
template <class L>
Tensors results_of(L& layer, const nn::UnrollOptions& options = {}) {
    Random random("sequence");
    Tape<double> tape;
    const Tensor<double> x = random.tensor({T, B, H});
    const D y = nn::unroll(layer, x, options).outputs;
    const Tensor<double> weights = random.tensor(y.shape());
    Tensors all{y.value()};
    for (const Tensor<double>& g :
         gradient(std::vector<GradientRoot<double>>{{y, weights}}, layer.parameters()))
        all.push_back(g);
    return all;
}

void check_equal(const Tensors& a, const Tensors& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t k = 0; k < a.size(); ++k) check_close(a[k], b[k], 1e-12);
}

/// A wrapper around the cell that prepares once, and around the one that does it in every step.
template <class Wrap>
void check_wrapped(const Wrap& wrap, int times = 1) {
    auto prepared = wrap(std::type_identity<Once>());
    auto usual = wrap(std::type_identity<InEveryStep>());
    Once::count = 0;
    const Tensors results = results_of(prepared);
    CHECK(Once::count == times);
    check_equal(results, results_of(usual));
    check_equal(results_of(prepared, {.lengths = {4, 1}}), results_of(usual, {.lengths = {4, 1}}));
}

}  // namespace

TEST_CASE("prepare: runs once per unroll, and gives what every step by itself gives") {
    check_wrapped([]<class C>(std::type_identity<C>) { return C(); });
    Once cell;
    Once not_hoisted;
    check_equal(results_of(cell), results_of(not_hoisted, {.hoist = false}));
    TwoParts two;
    TwoPartsInEveryStep reference;
    check_equal(results_of(two), results_of(reference));
    check_equal(results_of(two, {.hoist = false}), results_of(reference));
    check_equal(results_of(two, {.lengths = {2, 4}}), results_of(reference, {.lengths = {2, 4}}));
}

TEST_CASE("prepare: through stacks and wrappers") {
    const auto check = [](const auto& wrap, int times = 1) { check_wrapped(wrap, times); };
    check([]<class C>(std::type_identity<C>) { return nn::Zoneout(C()); });
    check([]<class C>(std::type_identity<C>) { return nn::RecurrentDropout(C(), 0.5); });
    check([]<class C>(std::type_identity<C>) { return nn::Residual(C()); });
    check([]<class C>(std::type_identity<C>) { return nn::Reversed(C()); });
    check([]<class C>(std::type_identity<C>) { return nn::Bidirectional(C(), C()); }, 2);
    check([]<class C>(std::type_identity<C>) { return nn::Stack<double>(C(), C()); }, 2);
    check(
        []<class C>(std::type_identity<C>) { return nn::Zoneout(nn::Stack<double>(C(), nn::Residual(C()))); },
        2);
    check([]<class C>(std::type_identity<C>) {
        nn::Generator generator(2);
        return nn::AttentionCell(C(H + 2), nn::AdditiveAttention<double>(H, 2, 4, generator), 2);
    });
}

TEST_CASE("prepare: the gradient reaches the parameters in every stretch") {
    Random random("stretches");
    const Tensor<double> x = random.tensor({2 * T, B, H});
    const auto gradients = [&](auto&& cell) {
        Tensors all;
        nn::Carried<D> carried = nn::zeros<double>({B, H});
        for (std::size_t begin : {std::size_t(0), T}) {
            Tape<double> tape;
            const auto run = nn::unroll(cell, part_of(x, 0, begin, T), nn::resume(carried));
            for (const Tensor<double>& g : gradient(sum(square(run.outputs)), cell.parameters()))
                all.push_back(g);
            carried = nn::carry(run.state);
        }
        return all;
    };
    check_equal(gradients(Once()), gradients(InEveryStep()));
}

TEST_CASE("prepare: a decoder steps with it") {
    nn::Generator generator(4);
    const auto written = [&](auto&& cell) {
        nn::Generator own(4);
        const nn::Decoder decoder(nn::Embedding<double>(5, H, own), std::move(cell),
                                  nn::Linear<double>(H, 5, own));
        Tape<double> tape;
        const auto best = nn::decode_greedy(decoder, input(Random("h").tensor({B, H})), {.max_length = 6});
        return std::vector{best[0].tokens, best[1].tokens};
    };
    CHECK(written(Once()) == written(InEveryStep()));
}

TEST_CASE("prepare: a matrix in the state that would lose its gradient is refused, and says what to do") {
    InTheState cell;
    Random random("lost");
    const Tensor<double> x = random.tensor({T, B, H});
    nn::Carried<InTheState::State> carried;
    {
        // On one tape nothing is lost.
        Tape<double> tape;
        InEveryStep usual;
        const auto run = nn::unroll(cell, x);
        const auto g = gradient(sum(square(run.outputs)), {cell.W});
        const auto expected = gradient(sum(square(nn::unroll(usual, x).outputs)), {usual.W});
        check_close(g[cell.W], expected[usual.W], 1e-12);
        CHECK_NOTHROW(nn::unroll(cell, x, run.state));
        carried = nn::carry(run.state);
    }
    Tape<double> tape;
    const auto state = nn::resume(carried);
    const std::size_t size = tape.size();
    const auto text = text_of<std::logic_error>([&] { nn::unroll(cell, x, state); });
    CHECK_MESSAGE(
        contains(text, "unroll: part 1 of the given state, [3, 3], is a value without its gradient"), text);
    CHECK_MESSAGE(contains(text, "parameter `W`"), text);
    CHECK_MESSAGE(contains(text, "`prepare()`"), text);
    CHECK(tape.size() == size);
    // Where there is nothing to lose, nothing is said.
    CHECK_NOTHROW(nn::unroll(cell, x, {state.first, detach(state.second)}));
    CHECK_NOTHROW(nn::unroll(cell, filled({0, B, H}, 0), state));
    const Paused<double> paused;
    CHECK_NOTHROW(nn::unroll(cell, x, nn::resume(carried)));
}

TEST_CASE("prepare: through a stack the lost gradient is found as well, and a learnt start is none") {
    nn::Stack<double> stack;
    stack.add(InTheState());
    stack.add(InEveryStep());
    Random random("lost in a stack");
    const Tensor<double> x = random.tensor({T, B, H});
    nn::Carried<nn::Stack<double>::State> carried;
    {
        Tape<double> tape;
        carried = nn::carry(nn::unroll(stack, x).state);
    }
    Tape<double> tape;
    CHECK(contains(text_of<std::logic_error>([&] { nn::unroll(stack, x, nn::resume(carried)); }), "`W`"));
}
