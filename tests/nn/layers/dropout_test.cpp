#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/layers/linear.hpp>
#include <nn/training.hpp>
#include <nn/wrappers/attention_cell.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
#include <nn/wrappers/residual.hpp>
#include <nn/wrappers/stack.hpp>
#include <nn/wrappers/zoneout.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 5;
constexpr std::size_t B = 2;
constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

/// The values of all nodes of this name, in order.
Tensors named(const Tape<double>& tape, const std::string& name) {
    Tensors values;
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        if (tape.name(node) != name) continue;
        Tensor<double> value = tapeloop::detail::uninitialised<double>(tape.node(node).shape);
        std::copy_n(tape.node(node).data, value.size(), value.data());
        values.push_back(value);
    }
    return values;
}

Tensor<double> sequence() {
    Random random("dropout");
    return random.tensor({T, B, I});
}

Tensor<double> step_of(const Tensor<double>& x, std::size_t t) {
    Tensor<double> step = part_of(x, 0, t, 1);
    step.reshape(std::vector<std::size_t>{x.shape()[1], x.shape()[2]});
    return step;
}

/// x U + h W, by loops.
Tensor<double> sums(const Tensor<double>& x, const Tensor<double>& U, const Tensor<double>& h,
                    const Tensor<double>& W) {
    return generate({B, W.shape()[1]}, [&](const Position& at) {
        double sum = 0;
        for (std::size_t i = 0; i < x.shape()[1]; ++i) sum += x(at[0], i) * U(i, at[1]);
        for (std::size_t i = 0; i < h.shape()[1]; ++i) sum += h(at[0], i) * W(i, at[1]);
        return sum;
    });
}

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b) {
    return each(a, b, [](double x, double y) { return x * y; });
}

}  // namespace

TEST_CASE("dropout: in training a mask that keeps the mean, in evaluation nothing") {
    nn::Generator generator(3);
    const Tensor<double> x = filled({40, 50, 5}, 2);
    const nn::Dropout dropout{0.3};
    Tape<double> tape;
    CHECK(dropout(input(x)).value() == x);
    {
        nn::Training training(generator);
        const Tensor<double> y = dropout(input(x)).value();
        std::size_t zero_count = 0;
        for (double element : y) {
            CHECK_UNARY(element == 0 || element == doctest::Approx(2 / 0.7).epsilon(1e-14));
            zero_count += element == 0 ? 1 : 0;
        }
        CHECK(static_cast<double>(zero_count) / 10'000 == doctest::Approx(0.3).epsilon(0.05));
        const nn::Evaluation evaluation;
        CHECK(dropout(input(x)).value() == x);
    }
    CHECK(nn::Training::generator() == nullptr);
    CHECK(named(tape, "dropout mask").size() == 1);
}

TEST_CASE("dropout: the same for a sequence, if asked, and else another at each time step") {
    nn::Generator generator(3);
    nn::Training training(generator);
    Tape<double> tape;
    const Tensor<double> ones = filled({T, 20, 20}, 1);
    const Tensor<double> same = nn::Dropout{0.5, true}(input(ones)).value();
    const Tensor<double> fresh = nn::Dropout{0.5}(input(ones)).value();
    for (std::size_t t = 1; t < T; ++t) {
        CHECK(step_of(same, t) == step_of(same, 0));
        CHECK(step_of(fresh, t) != step_of(fresh, 0));
    }
}

TEST_CASE("dropout: the gradient passes where the mask does") {
    nn::Generator generator(3);
    nn::Training training(generator);
    Tape<double> tape;
    const Var<double> x = input(sequence());
    Random random("cotangent");
    const Tensor<double> weights = random.tensor({T, B, I});
    const Var<double> J = sum(nn::Dropout{0.4}(x)*weights);
    check_same_bits(gradient(J, {x})[x], product(named(tape, "dropout mask")[0], weights));
}

TEST_CASE("dropout: rates that are none are refused, in evaluation too") {
    nn::Generator generator(3);
    Tape<double> tape;
    const Var<double> x = input(filled({2}, 1));
    CHECK(contains(text_of<std::invalid_argument>([&] { nn::Dropout{1.0}(x); }), "rate is 1"));
    CHECK(contains(text_of<std::invalid_argument>([&] { nn::Dropout{-0.1}(x); }), "rate is -0.1"));
    CHECK(contains(text_of<std::invalid_argument>(
                       [&] { nn::RecurrentDropout(nn::ElmanCell<double>(I, H, generator), 1); }),
                   "RecurrentDropout"));
    CHECK(contains(text_of<std::invalid_argument>(
                       [&] { nn::Zoneout(nn::ElmanCell<double>(I, H, generator), {.hidden = 2}); }),
                   "Zoneout"));
}

TEST_CASE("recurrent dropout: h is read through one mask at all time steps") {
    nn::Generator generator(4);
    const nn::RecurrentDropout cell(nn::ElmanCell<double>(I, H, generator), 0.5);
    const Tensor<double> x = sequence();
    nn::Training training(generator);
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true});
    const Tensor<double> mask = result.state.second.value();
    CHECK(named(tape, "dropout mask").back() == mask);
    Tensor<double> h = filled({B, H}, 0);
    for (std::size_t t = 0; t < T; ++t) {
        h = each(sums(step_of(x, t), cell.inner.U.value(), product(h, mask), cell.inner.W.value()),
                 [](double a) { return std::tanh(a); });
        check_close(step_of(result.outputs.value(), t), h, 1e-13);
    }
}

TEST_CASE("recurrent dropout: an LSTM's c is read as it is, outside of training nothing changes") {
    nn::Generator generator(4);
    nn::LstmCell<double> lstm(I, H, generator);
    const Tensor<double> x = sequence();
    Tape<double> tape;
    const Tensor<double> plain = nn::unroll(lstm, x).outputs.value();
    const nn::RecurrentDropout cell(std::move(lstm), 0.5);
    check_same_bits(nn::unroll(cell, x).outputs.value(), plain);

    nn::Training training(generator);
    const auto first = nn::unroll(cell, x, {.trace = true});
    const Tensor<double> mask = first.state.second.value();
    const Var<double> h = first.trace[0].first[0] * mask;
    const auto second = nn::advance(cell.inner, input(step_of(x, 1)), {h, first.trace[0].first[1]});
    check_close(step_of(first.outputs.value(), 1), second.first.value(), 1e-14);
}

TEST_CASE("zoneout: units keep their old value where the mask says, and the output follows the state") {
    nn::Generator generator(5);
    const nn::Zoneout cell(nn::LstmCell<double>(I, H, generator), {.hidden = 0.5, .memory = 0.3});
    const Tensor<double> x = sequence();
    nn::Training training(generator);
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true});
    const Tensors masks = named(tape, "zoneout mask");
    REQUIRE(masks.size() == 2 * T);
    auto state = cell.inner.initial_state(B);
    const auto keep = [](double mask, double old, double next) { return mask == 1 ? old : next; };
    bool has_both = false;
    for (std::size_t t = 0; t < T; ++t) {
        const auto next = nn::advance(cell.inner, input(step_of(x, t)), state).second;
        for (std::size_t part = 0; part < 2; ++part)
            state[part] = input(each(masks[2 * t + part], state[part].value(), next[part].value(), keep));
        check_close(result.trace[t][0].value(), state[0].value(), 1e-14);
        check_close(result.trace[t][1].value(), state[1].value(), 1e-14);
        check_close(step_of(result.outputs.value(), t), state[0].value(), 1e-14);
        const double first = masks[2 * t].data()[0];
        for (double element : masks[2 * t]) has_both = has_both || element != first;
    }
    CHECK(has_both);
}

TEST_CASE("zoneout: in evaluation the expectation") {
    nn::Generator generator(5);
    const nn::Zoneout cell(nn::ElmanCell<double>(I, H, generator), {.hidden = 0.25});
    const Tensor<double> x = sequence();
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true});
    Tensor<double> h = filled({B, H}, 0);
    for (std::size_t t = 0; t < T; ++t) {
        const Tensor<double> next = each(sums(step_of(x, t), cell.inner.U.value(), h, cell.inner.W.value()),
                                         [](double a) { return std::tanh(a); });
        h = each(h, next, [](double old, double then) { return 0.25 * old + 0.75 * then; });
        check_close(step_of(result.outputs.value(), t), h, 1e-13);
    }
}

TEST_CASE("masks: a seed gives the same ones, and so the same values and gradients") {
    const auto run = [](std::uint64_t seed) {
        nn::Generator weights(6);
        nn::Stack<double> model(nn::Dropout{0.2, true},
                                nn::RecurrentDropout(nn::LstmCell<double>(I, H, weights), 0.3),
                                nn::Zoneout(nn::LstmCell<double>(H, H, weights), {.hidden = 0.4}));
        nn::Generator generator(seed);
        nn::Training training(generator);
        Tape<double> tape;
        const Var<double> J = sum(square(nn::unroll(model, sequence()).outputs));
        Tensors all{J.value()};
        for (const Tensor<double>& g : gradient(J, model.parameters())) all.push_back(g);
        return all;
    };
    const Tensors once = run(1);
    const Tensors again = run(1);
    for (std::size_t k = 0; k < once.size(); ++k) check_same_bits(again[k], once[k]);
    CHECK(run(2)[0] != once[0]);
}

TEST_CASE("masks: with them held fixed, gradients agree with differences") {
    nn::Generator weights(6);
    nn::Stack<double> model(nn::Dropout{0.2, true},
                            nn::RecurrentDropout(nn::LstmCell<double>(I, H, weights), 0.3),
                            nn::Zoneout(nn::LstmCell<double>(H, H, weights), {.hidden = 0.4}));
    Random random("fixed masks");
    const Tensor<double> cotangent = random.tensor({T, B, H});
    const auto loss = [&](const Var<double>& x) {
        nn::Generator generator(9);
        nn::Training training(generator);
        return sum(nn::unroll(model, x).outputs * cotangent);
    };
    Tape<double> tape;
    const Var<double> x = input(sequence());
    const auto value = [&](const Tensors& at) {
        Tape<double> own;
        return loss(input(at[0])).item();
    };
    check_close(gradient(loss(x), {x})[x], derivative(value, {sequence()}, 0), 1e-8);
}

namespace {

/// Returns whether the values of all nodes called `name` are one and the same.
bool all_same(const Tape<double>& tape, const std::string& name, std::size_t count) {
    const Tensors masks = named(tape, name);
    CHECK(masks.size() == count);
    for (const Tensor<double>& mask : masks)
        if (mask != masks.front()) return false;
    return !masks.empty();
}

/// Step by step, by hand.
template <class L>
std::pair<Tensor<double>, nn::Carried<nn::StateOf<L>>> stepped(const L& layer, const Tensor<double>& x,
                                                               nn::StateOf<L> state) {
    std::vector<Var<double>> outputs;
    for (std::size_t t = 0; t < x.shape()[0]; ++t) {
        auto [output, next] = nn::advance(layer, input(step_of(x, t)), state);
        outputs.push_back(output);
        state = std::move(next);
    }
    return {stack(outputs).value(), nn::carry(state)};
}

}  // namespace

TEST_CASE("dropout: the same for a sequence also where a wrapper steps the stack") {
    nn::Generator generator(8);
    const auto made = [&] {
        return nn::Stack<double>(nn::Dropout{0.5, true}, nn::LstmCell<double>(I, H, generator));
    };
    const Tensor<double> x = sequence();
    nn::Training training(generator);
    {
        Tape<double> tape;
        nn::unroll(nn::Zoneout(made()), x);
        CHECK(all_same(tape, "dropout mask", T));
    }
    {
        Tape<double> tape;
        nn::Stack<double> inner;
        inner.add(nn::Dropout{0.5, true});
        inner.add(nn::LstmCell<double>(I + 2, H, generator));
        nn::unroll(nn::AttentionCell(std::move(inner), nn::AdditiveAttention<double>(H, 2, 3, generator), 2),
                   x);
        CHECK(all_same(tape, "dropout mask", T));
    }
}

TEST_CASE("dropout: the same for a sequence, read at once, step by step, in stretches, and with lengths") {
    nn::Generator generator(8);
    const nn::Stack<double> model(nn::LstmCell<double>(I, H, generator), nn::Dropout{0.5, true},
                                  nn::LstmCell<double>(H, H, generator));
    const Tensor<double> x = sequence();
    nn::Training training(generator);
    Tape<double> tape;
    const auto state = model.initial_state(B);
    const auto whole = nn::unroll(model, x, state);
    check_close(stepped(model, x, state).first, whole.outputs.value(), 1e-13);
    const auto first = stepped(model, part_of(x, 0, 0, 2), state);
    const auto rest = nn::unroll(model, part_of(x, 0, 2, T - 2), nn::resume(first.second));
    check_close(rest.outputs.value(), part_of(whole.outputs.value(), 0, 2, T - 2), 1e-13);
    const auto padded = nn::unroll(model, x, state, {.lengths = {T, 2}});
    check_close(part_of(padded.outputs.value(), 0, 0, 2), part_of(whole.outputs.value(), 0, 0, 2), 1e-13);
    // Rows have masks of their own, and another sequence has others.
    CHECK(difference(nn::unroll(model, x).outputs.value(), whole.outputs.value(), 1e-3) != "");
    const nn::Evaluation evaluation;
    check_close(nn::unroll(model, x, state).outputs.value(), nn::unroll(model, x).outputs.value(), 1e-14);
}

TEST_CASE("dropout: one mask for a sequence cannot be told from a time step alone") {
    const Tape<double> tape;
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::Dropout{0.5, true}(input(filled({B, I}, 1)));
                   }),
                   "Dropout: x is [2, 3]; one mask for a sequence needs all of its time steps"));
    CHECK(tape.size() == 1);
}

TEST_CASE("dropout: seeded masks drop at the rate, row by row, and keep the mean") {
    nn::Generator generator(9);
    nn::Training training(generator);
    Tape<double> tape;
    const Var<double> seeds = nn::detail::mask_seeds<double>(200);
    const Tensor<double> y = nn::Dropout{0.3, true}(input(filled({200, 100}, 1)), seeds).value();
    std::size_t zero_count = 0;
    for (double element : y) {
        CHECK_UNARY(element == 0 || element == doctest::Approx(1 / 0.7).epsilon(1e-14));
        zero_count += element == 0 ? 1 : 0;
    }
    CHECK(static_cast<double>(zero_count) / 20'000 == doctest::Approx(0.3).epsilon(0.05));
    CHECK(part_of(y, 0, 0, 1) != part_of(y, 0, 1, 1));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::Dropout{0.3, true}(input(filled({3, 4}, 1)), seeds);
                   }),
                   "Dropout: x is [3, 4] and the seeds of the masks are [200, 2]"));
}

TEST_CASE("recurrent dropout: around a stack it reaches every layer's h") {
    nn::Generator generator(4);
    const nn::RecurrentDropout cell(
        nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::Linear<double>(H, H, generator),
                          nn::Residual(nn::ElmanCell<double>(H, H, generator))),
        0.5);
    const Tensor<double> x = sequence();
    nn::Training training(generator);
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true});
    REQUIRE(result.state.second.size() == 2);
    CHECK(named(tape, "dropout mask").size() == 2);
    // The second step by hand.
    auto before = result.trace[0].first;
    before[0][0] = before[0][0] * result.state.second[0];
    before[2][0] = before[2][0] * result.state.second[1];
    const auto second = nn::advance(cell.inner, input(step_of(x, 1)), before);
    check_close(step_of(result.outputs.value(), 1), second.first.value(), 1e-14);
    CHECK(result.state.second[0].value() != result.state.second[1].value());
}

TEST_CASE("zoneout: around a stack each layer's h has the rate of h, the rest that of memory") {
    nn::Generator generator(5);
    const nn::Zoneout cell(nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::Dropout{0.5, true},
                                             nn::ElmanCell<double>(H, H, generator)),
                           {.hidden = 0.25, .memory = 0});
    const Tensor<double> x = sequence();
    Tape<double> tape;
    const auto result = nn::unroll(cell, x, {.trace = true});
    const auto& before = result.trace[0];
    const auto next = nn::advance(cell.inner, input(step_of(x, 1)), before).second;
    const auto mixed = [](const Var<double>& old, const Var<double>& then) {
        return each(old.value(), then.value(), [](double a, double b) { return 0.25 * a + 0.75 * b; });
    };
    check_close(result.trace[1][0][0].value(), mixed(before[0][0], next[0][0]), 1e-14);
    check_close(result.trace[1][0][1].value(), next[0][1].value(), 1e-14);
    check_close(result.trace[1][2][0].value(), mixed(before[2][0], next[2][0]), 1e-14);
    check_close(step_of(result.outputs.value(), 1), result.trace[1][2][0].value(), 1e-14);
}
