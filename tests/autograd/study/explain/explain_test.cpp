#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/study/explain/explain.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t steps = 50;
constexpr std::size_t width = 6;

Tensor<double> orthogonal_times(double factor, std::uint64_t seed = 3) {
    nn::Generator generator(seed);
    return factor * nn::orthogonal<double>({width, width}, generator);
}

/// h <- f(h W + x) for all steps; the loss reads the last state.
template <class T, class F>
Var<T> run(const Var<T>& h0, const Tensor<T>& W, F step) {
    Var<T> h = h0;
    const Var<T> weight = input(W).named("W");
    for (std::size_t t = 0; t < steps; ++t) {
        const LabelScope<T> time_step(t);
        h = step(t, matmul(h, weight));
    }
    return sum(h * input(Tensor<T>(Random(7).tensor({4, width}))));
}

Var<double> random_input(const Shape& shape, std::uint64_t seed, double scale = 1) {
    return input(Random(seed).tensor(shape, -scale, scale));
}

Cause first_cause(const Explanation& explanation) {
    REQUIRE(!explanation.culprits.empty());
    return explanation.culprits.front().cause;
}

bool has_cause(const Explanation& explanation, Cause cause) {
    for (const Culprit& culprit : explanation.culprits)
        if (culprit.cause == cause) return true;
    return false;
}

/// The path ends in the gradient itself: every factor and every sum multiplied.
void check_telescopes(const Explanation& explanation) {
    double product = 1;
    for (std::size_t k = 0; k < explanation.path.size(); ++k) {
        const PathStep& step = explanation.path[k];
        CHECK(step.in == doctest::Approx(product));
        product = step.sum;
        if (k + 1 < explanation.path.size()) CHECK(explanation.path[k + 1].node == step.input);
    }
    CHECK(explanation.gradient == doctest::Approx(product));
}

}  // namespace

TEST_CASE("explain: a path of one product and one tanh, with its numbers") {
    const Tape<double> tape;
    const Var<double> x = input(Tensor<double>{0.5, -0.5}).named("x");
    const Var<double> y = tanh(3.0 * x);
    const Explanation explanation = explain(mean(y), x);
    CHECK(explanation.size == GradientSize::usual);
    REQUIRE(explanation.path.size() == 3);
    const double slope = 1 - std::pow(std::tanh(1.5), 2);
    CHECK(explanation.path[0].operation == "mean");
    CHECK(explanation.path[0].out == doctest::Approx(0.5));
    CHECK(explanation.path[1].factor() == doctest::Approx(slope));
    CHECK(explanation.path[2].factor() == doctest::Approx(3));
    CHECK(explanation.gradient == doctest::Approx(1.5 * slope));
    CHECK(explanation.relative == doctest::Approx(3 * slope));
    check_telescopes(explanation);
}

TEST_CASE("explain: a saturated tanh is named, in a small net and in one of 50 steps") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> a = matmul(x, orthogonal_times(1)) + 9.0;
    const Var<double> h = tanh(a);
    const Explanation small = explain(sum(matmul(h, orthogonal_times(1))), x);
    CHECK(small.size == GradientSize::vanishing);
    CHECK(first_cause(small) == Cause::saturated);
    CHECK(small.culprits.front().node == h.index());

    const Var<double> J = run<double>(
        x, orthogonal_times(1), [](std::size_t, const Var<double>& product) { return tanh(product + 3.0); });
    const Explanation deep = explain(J, x);
    CHECK(deep.size == GradientSize::vanishing);
    CHECK(first_cause(deep) == Cause::saturated);
    CHECK(deep.culprits.front().steps == steps);
    check_telescopes(deep);
}

/// The powers of ten that the text lists: of the list itself, and of the parts, which stand further in.
struct Listed {
    double whole = 0;
    double parts = 0;
    double product = 0;
    double together = 0;
};
Listed listed_in(const std::string& text) {
    Listed listed;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t at = line.find("10^");
        if (at == std::string::npos || line.find_first_not_of(' ') != at) continue;
        const double decades = std::stod(line.substr(at + 3));
        const bool is_part = line.find(' ', at) > 10;
        if (contains(line, "together"))
            listed.together = decades;
        else
            (is_part ? listed.parts : listed.whole) += decades;
        if (contains(line, "long product")) listed.product = decades;
    }
    return listed;
}

TEST_CASE("explain: the list adds up, a long product to the decades of its parts") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> J = run<double>(x, orthogonal_times(0.5), [](std::size_t, const Var<double>& product) {
        return tanh(product + 0.5);
    });
    const Explanation explanation = explain(J, x);
    REQUIRE(first_cause(explanation) == Cause::long_product);
    REQUIRE(explanation.culprits.size() >= 3);
    CHECK(explanation.culprits[1].place == Culprit::Place::part);
    const Listed listed = listed_in(explanation.text());
    CHECK(listed.product < -10);
    CHECK_MESSAGE(std::abs(listed.parts - listed.product) < 0.2, explanation.text());
    CHECK_MESSAGE(std::abs(listed.whole - listed.together) < 0.2, explanation.text());
    CHECK(std::abs(listed.together - explanation.decades) < 0.06);
}

// The path goes around the shut gate, by the products with W; that the direct way was closed has to be said.
TEST_CASE("explain: a gate that is shut beside the path is named with its step") {
    nn::Generator generator(3);
    nn::LstmCell<double> cell(2, 4, generator);
    const Tape<double> tape({.fuse = false});
    std::array<Var<double>, 2> state{random_input({1, 4}, 2).named("h0"),
                                     random_input({1, 4}, 3).named("c0")};
    const Var<double> c0 = state[1];
    const Tensor<double> x = Random(4).tensor({1, 2});
    Tensor<double> shut = filled({16}, 0);
    for (std::size_t k = 4; k < 8; ++k) shut(k) = -30;  // the forget gate's block
    for (std::size_t t = 0; t < 20; ++t) {
        const LabelScope<double> step(t);
        const Var<double> projected = matmul(input(x), cell.U) + cell.b + (t == 12 ? 1.0 : 0.0) * shut;
        state = cell.step(projected, state).second;
    }
    const Explanation explanation = explain(sum(state[1]), c0);
    REQUIRE(has_cause(explanation, Cause::closed_gate));
    CHECK_MESSAGE(explanation.text().find("closed gate: beside the path") != std::string::npos,
                  explanation.text());
    CHECK_MESSAGE(explanation.text().find("t=12) lets") != std::string::npos, explanation.text());
}

TEST_CASE("explain: one saturated step among 50 is named with its time step") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1, 0.1);
    const Var<double> J = run<double>(x, orthogonal_times(1), [](std::size_t t, const Var<double>& product) {
        return t == 17 ? tanh(product + 8.0) - 1.0 : tanh(product);
    });
    const Explanation explanation = explain(J, x);
    CHECK(explanation.size == GradientSize::vanishing);
    CHECK(first_cause(explanation) == Cause::saturated);
    CHECK(tape.time_step(explanation.culprits.front().node) == 17);
    CHECK(explanation.text().find("t=17") != std::string::npos);
}

TEST_CASE("explain: a tanh that is saturated to the last bit ends the path") {
    const Tape<float> tape;
    const Var<float> x = input(Tensor<float>{1.F, 2.F});
    const Explanation explanation = explain(sum(tanh(100.F * x)), x);
    CHECK(explanation.size == GradientSize::zero);
    CHECK(first_cause(explanation) == Cause::saturated);
    CHECK(std::isinf(explanation.culprits.front().decades));
}

TEST_CASE("explain: a softmax and a sigmoid near their limits") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> weights = random_input({4, width}, 2);
    CHECK(first_cause(explain(sum(softmax(x * 1e4) * weights), x)) == Cause::saturated);
    CHECK(first_cause(explain(sum(sigmoid(x - 30.0) * weights), x)) == Cause::saturated);
}

TEST_CASE("explain: a dead relu") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> h = relu(matmul(x, orthogonal_times(1)) - 10.0);
    const Explanation explanation = explain(sum(matmul(h, orthogonal_times(1)) + 1.0), x);
    CHECK(explanation.size == GradientSize::zero);
    CHECK(first_cause(explanation) == Cause::dead);
    CHECK(explanation.culprits.front().node == h.index());

    const Explanation deep = explain(run<double>(x, orthogonal_times(1),
                                                 [](std::size_t t, const Var<double>& product) {
                                                     return relu(t == 31 ? product - 1e9 : product + 5.0);
                                                 }),
                                     x);
    CHECK(deep.size == GradientSize::zero);
    CHECK(first_cause(deep) == Cause::dead);
    CHECK(tape.time_step(deep.culprits.front().node) == 31);
}

TEST_CASE("explain: masks, by where and by multiplication with 0") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Tensor<double> nothing = nn::zeros<double>({4, width});
    CHECK(first_cause(explain(sum(where(nothing, square(x), x.value())), x)) == Cause::masked);
    CHECK(first_cause(explain(sum(square(x) * nothing), x)) == Cause::masked);
    const Explanation deep = explain(run<double>(x, orthogonal_times(1),
                                                 [&](std::size_t t, const Var<double>& product) {
                                                     return t == 5 ? product * nothing : tanh(product);
                                                 }),
                                     x);
    CHECK(deep.size == GradientSize::zero);
    CHECK(first_cause(deep) == Cause::masked);
    CHECK(tape.time_step(deep.culprits.front().node) == 5);
}

TEST_CASE("explain: what stops nearly all elements is named, what stops half of them is not") {
    const Tape<double> tape;
    const Shape shape{10, 20};
    const Var<double> x = random_input(shape, 1);
    Tensor<double> mask = nn::zeros<double>({10, 20});
    mask(0, 7) = mask(5, 7) = 1;  // 2 of 200 elements
    const Var<double> few = input(mask);
    const Var<double> off = 5.0 * few - 4.0;  // 1 or -4
    const auto of = [&](const Var<double>& y, Cause cause, const std::string& finding) {
        const Explanation explanation = explain(sum(y * random_input(shape, 3)), x);
        CHECK(explanation.size == GradientSize::usual);
        REQUIRE(has_cause(explanation, cause));
        const auto is_it = [&](const Culprit& culprit) { return culprit.cause == cause; };
        const auto culprit = std::find_if(explanation.culprits.begin(), explanation.culprits.end(), is_it);
        CHECK_MESSAGE(contains(culprit->text, finding), culprit->text);
        CHECK(std::isfinite(culprit->decades));
    };
    of(relu(x + off), Cause::dead, "x <= 0 at 99 % of the elements that matter");
    of(maximum(x + off, 0.0), Cause::dead, "its slope is 0 at 99 %");
    of(clip(x + off, -1.0, 9.0), Cause::dead, "its slope is 0 at 99 %");
    of(where(few.value(), exp(x), x.value()), Cause::masked, "takes the other branch at 99 %");
    of(exp(x) * few, Cause::masked, "multiplied by 0 at 99 %");

    const Var<double> dead = maximum(x - 10.0, 0.0);
    const Explanation all = explain(sum(dead), x);
    CHECK(all.size == GradientSize::zero);
    CHECK(first_cause(all) == Cause::dead);
    CHECK(contains(all.culprits.front().text, "at 100 %"));

    // Elements to which no cotangent comes do not count.
    CHECK(!has_cause(explain(sum(relu(x + off) * few), x), Cause::dead));
    CHECK(!has_cause(explain(sum(relu(x)), x), Cause::dead));
    CHECK(!has_cause(explain(sum(maximum(x, 0.0)), x), Cause::dead));
}

TEST_CASE("explain: detach, Paused and what is not used end a path") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    NodeIndex cut = 0;
    const Var<double> J = run<double>(x, orthogonal_times(1), [&](std::size_t t, const Var<double>& product) {
        if (t != 8) return tanh(product);
        const Var<double> detached = detach(product);
        cut = detached.index();
        return tanh(detached);
    });
    const Explanation detached = explain(J, x);
    CHECK(detached.size == GradientSize::zero);
    CHECK(first_cause(detached) == Cause::detached);
    CHECK(detached.culprits.front().node == cut);
    CHECK(detached.text().find("t=8") != std::string::npos);

    Var<double> frozen;
    {
        const Paused<double> paused;
        frozen = tanh(x);
    }
    const Explanation stopped = explain(sum(frozen), x);
    CHECK(first_cause(stopped) == Cause::unused);
    REQUIRE(stopped.culprits.size() == 2);
    CHECK(stopped.culprits[1].node == frozen.index());

    const Var<double> other = square(random_input({4, width}, 2));
    const Var<double> aside = tanh(other);
    const Explanation unused = explain(J, other);
    CHECK(unused.size == GradientSize::zero);
    CHECK(unused.path.empty());
    CHECK(first_cause(explain(sum(x), other)) == Cause::unused);
    const Var<double> later = sum(square(x));
    const Explanation dead_end = explain(later, other);
    CHECK(first_cause(dead_end) == Cause::unused);
    CHECK(dead_end.culprits.front().node == aside.index());
    const Parameter<double> never("never", nn::zeros<double>({2}));
    CHECK(explain(J, never).text().find("never used on this tape") != std::string::npos);
}

TEST_CASE("explain: a long product of factors below one, and above") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1, 1e-3);
    const auto near_linear = [](std::size_t, const Var<double>& product) { return tanh(product); };
    const Explanation small = explain(run<double>(x, orthogonal_times(0.61), near_linear), x);
    CHECK(small.size == GradientSize::vanishing);
    CHECK(first_cause(small) == Cause::long_product);
    CHECK(small.culprits.front().decades == doctest::Approx(50 * std::log10(0.61)).epsilon(0.01));
    CHECK(small.text().find("0.61 per step over 50 steps, t=49 to t=0") != std::string::npos);
    check_telescopes(small);

    const auto linear = [](std::size_t, const Var<double>& product) { return product; };
    const Explanation large = explain(run<double>(x, orthogonal_times(1.8), linear), x);
    CHECK(large.size == GradientSize::huge);
    CHECK(first_cause(large) == Cause::long_product);
    CHECK(has_cause(large, Cause::weights));
    CHECK(large.text().find("the spectral norm of constant 'W'") != std::string::npos);
    CHECK(large.text().find("is 1.8") != std::string::npos);
}

TEST_CASE("explain: large and zero weights in a small net") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Explanation large = explain(sum(matmul(x, orthogonal_times(1e6))), x);
    CHECK(large.size == GradientSize::huge);
    CHECK(first_cause(large) == Cause::weights);
    const Explanation none = explain(sum(matmul(tanh(x), orthogonal_times(0)) + 1.0), x);
    CHECK(none.size == GradientSize::zero);
    CHECK(first_cause(none) == Cause::weights);
}

TEST_CASE("explain: underflow in float") {
    const Tape<float> tape;
    const Var<float> x = input(Tensor<float>(Random(1).tensor({4, width}, -1e-3, 1e-3)));
    const auto linear = [](std::size_t, const Var<float>& product) { return product * 1.F; };
    const Explanation explanation = explain(run<float>(x, Tensor<float>(orthogonal_times(0.1)), linear), x);
    CHECK(explanation.size == GradientSize::zero);
    CHECK(first_cause(explanation) == Cause::underflow);
    CHECK(has_cause(explanation, Cause::long_product));
}

TEST_CASE("explain: NaN and overflow are found where they come up") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> bad = log(x);
    const Explanation forward = explain(sum(square(bad)), x);
    CHECK(forward.size == GradientSize::not_finite);
    CHECK(first_cause(forward) == Cause::not_a_number);
    CHECK(forward.culprits.front().node == bad.index());
    CHECK(forward.text().find("Watch") != std::string::npos);

    const Var<double> large = exp(1e3 + x);
    const Explanation overflow = explain(sum(large), x);
    CHECK(first_cause(overflow) == Cause::overflow);
    CHECK(overflow.culprits.front().node == large.index());

    const Var<double> zero = input(nn::zeros<double>({4, width}));
    const Var<double> root = sqrt(zero);
    const Explanation backward = explain(sum(root), zero);
    CHECK(first_cause(backward) == Cause::overflow);
    CHECK(backward.culprits.front().node == root.index());
}

TEST_CASE("explain: cancellation") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Explanation exact = explain(sum(x * 5.0) - sum(x * 5.0), x);
    CHECK(exact.size == GradientSize::zero);
    CHECK(first_cause(exact) == Cause::cancellation);
    const Explanation nearly = explain(sum(x * 5.0) - sum(x * (5.0 + 1e-9)), x);
    CHECK(nearly.size == GradientSize::vanishing);
    CHECK(first_cause(nearly) == Cause::cancellation);
    CHECK(nearly.culprits.front().node == x.index());
}

TEST_CASE("explain: a loss at its minimum, and a comparison") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Explanation minimum = explain(nn::mean_squared_error(tanh(x), tanh(x).value()), x);
    CHECK(minimum.size == GradientSize::zero);
    CHECK(first_cause(minimum) == Cause::at_minimum);
    const Var<double> z = random_input({2, 2}, 2);
    const Explanation certain =
        explain(nn::softmax_cross_entropy(z + Tensor<double>{{1e3, 0}, {1e3, 0}}, nn::Targets{0, 0}), z);
    CHECK(certain.size == GradientSize::zero);
    CHECK(first_cause(certain) == Cause::at_minimum);
    CHECK(first_cause(explain(sum(less(tanh(x), 0.0)), x)) == Cause::no_gradient);
}

TEST_CASE("explain: a closed gate") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> gate = sigmoid(random_input({4, width}, 2) - 30.0);
    const Explanation explanation = explain(sum(gate * tanh(x)), x);
    CHECK(explanation.size == GradientSize::vanishing);
    CHECK(first_cause(explanation) == Cause::closed_gate);
    CHECK(explanation.culprits.front().text.find(tape.describe(gate.index())) != std::string::npos);
}

TEST_CASE("explain: the update gate of a GRU that takes the new state is 1 minus a gate") {
    nn::Generator generator(5);
    nn::GruCell<double> cell(2, width, generator, {.update = nn::Update::takes});
    cell.W.assign(nn::zeros<double>({width, 3 * width}));
    nn::gate_block(cell.b, cell.gate_names(), "update").assign(30.0);
    const Tape<double> tape({.fuse = false});
    const Var<double> h0 = random_input({4, width}, 3);
    const auto unrolled = nn::unroll(cell, nn::normal<double>({1, 4, 2}, 0, 1, generator), h0);
    const Explanation explanation = explain(sum(unrolled.state), h0);
    CHECK(explanation.size == GradientSize::vanishing);
    CHECK(first_cause(explanation) == Cause::closed_gate);
    CHECK(contains(explanation.culprits.front().text, "subtract"));

    // A difference that is no 1 minus a gate is an ordinary factor.
    const Var<double> x = random_input({4, width}, 1);
    const Var<double> z = sigmoid(random_input({4, width}, 2));
    CHECK(first_cause(explain(sum(x * ((z + 1e-9) - z)), x)) == Cause::factor);
    CHECK(first_cause(explain(sum(x * (0.999999 - sigmoid(x + 30.0).value())), x)) == Cause::factor);
}

TEST_CASE("explain: the forget gate of an LSTM that closes at one time step") {
    nn::Generator generator(5);
    nn::LstmCell<double> cell(2, width, generator);
    cell.W.assign(nn::zeros<double>({width, 4 * width}));
    Tensor<double> U = nn::zeros<double>({2, 4 * width});
    for (std::size_t j = 0; j < width; ++j) {
        U(1, width + j) = -40;
        U(0, j) = 1;
    }
    cell.U.assign(U);
    cell.b.assign(nn::zeros<double>({4 * width}));
    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(6.0);
    Tensor<double> x = nn::zeros<double>({steps, 4, 2});
    for (std::size_t t = 0; t < steps; ++t)
        for (std::size_t row = 0; row < 4; ++row) x(t, row, 0) = 0.1;
    for (std::size_t row = 0; row < 4; ++row) x(23, row, 1) = 1;

    for (const bool fuse : {false, true}) {
        const Tape<double> tape({.fuse = fuse});
        const Var<double> h0 = input(nn::zeros<double>({4, width}));
        const Var<double> c0 = random_input({4, width}, 3);
        const auto unrolled = nn::unroll(cell, x, {h0, c0});
        const Explanation explanation = explain(sum(unrolled.state[0]), c0);
        CHECK(explanation.size == GradientSize::vanishing);
        CHECK(first_cause(explanation) == (fuse ? Cause::inside_map : Cause::closed_gate));
        CHECK(tape.time_step(explanation.culprits.front().node) == 23);
        if (fuse) CHECK(explanation.text().find("record with fuse = false") != std::string::npos);
        check_telescopes(explanation);
    }
}

TEST_CASE("explain: healthy nets are usual, by all parameters, over many seeds") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        nn::Generator generator(seed);
        nn::ElmanCell<double> elman(3, width, generator);
        nn::LstmCell<double> lstm(width, width, generator);
        nn::Linear<double> output(width, 4, generator);
        const Tape<double> tape({.fuse = seed % 2 == 0});
        const Var<double> hidden = nn::unroll(elman, Random(seed).tensor({12, 5, 3})).outputs;
        const Var<double> o = output(nn::unroll(lstm, hidden).outputs);
        const Var<double> J = nn::mean_squared_error(o, Random(seed + 1000).tensor({12, 5, 4}));
        for (const auto& parameters : {elman.parameters(), lstm.parameters(), output.parameters()})
            for (const auto& entry : parameters) {
                const Explanation explanation = explain(J, *entry.parameter);
                CHECK_MESSAGE(explanation.size == GradientSize::usual, explanation.text());
                check_telescopes(explanation);
            }
    }
}

TEST_CASE("explain: the text of a long path is short, and names what it shows") {
    const Tape<double> tape;
    const Var<double> x = random_input({4, width}, 1).named("start");
    const Explanation explanation =
        explain(run<double>(x, orthogonal_times(0.5),
                            [](std::size_t, const Var<double>& product) { return tanh(product); }),
                x);
    const std::string text = explanation.text();
    CHECK(std::count(text.begin(), text.end(), '\n') < 40);
    CHECK(text.find("'start'") != std::string::npos);
    CHECK(text.find("explain_test.cpp:") != std::string::npos);
}

TEST_CASE("explain: what cannot be explained is refused") {
    const Tape<double> tape;
    const Var<double> x = random_input({2}, 1);
    CHECK(text_of<std::invalid_argument>([&] { explain(x, x); }).find("explain: J is [2]") == 0);
    const Tape<double> other;
    const Var<double> foreign = random_input({2}, 1);
    CHECK(text_of<std::logic_error>([&] { explain(sum(x), foreign); }).find("explain:") == 0);
}
