#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/training.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>
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
    for (Index node = 0; node < tape.size(); ++node) {
        if (tape.name(node) != name) continue;
        Tensor<double> value = uninitialised<double>(tape.node(node).shape);
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
