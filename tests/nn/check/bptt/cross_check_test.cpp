#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <nn/check/bptt/cross_check.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Activation;
using nn::Targets;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 5;
constexpr std::size_t O = 4;

Targets random_targets(Random& random, std::size_t T, std::size_t B) {
    Targets targets = Targets::from_shape({T, B});
    for (std::ptrdiff_t& target : targets) target = static_cast<std::ptrdiff_t>(random.below(O));
    return targets;
}

/// A network and a sequence.
struct Setting {
    nn::Generator generator{3};
    Random random{"cross check"};
    nn::ElmanCell<double> cell;
    nn::Linear<double> output{H, O, generator};
    Tensor<double> x;
    Targets targets;

    Setting(std::size_t T, std::size_t B, Activation activation = Activation::tanh)
        : cell(I, H, generator, {activation}),
          x(random.tensor({T, B, I}, -2, 2)),
          targets(random_targets(random, T, B)) {
        cell.b.assign(random.tensor({H}));
        output.c.assign(random.tensor({O}));
    }
    nn::CrossCheck check(const nn::CrossCheckOptions& options = {}) const {
        return nn::cross_check(cell, output, x, targets, options);
    }
};

std::vector<std::string> names_of(const std::vector<nn::Deviation>& deviations) {
    std::vector<std::string> names;
    for (const nn::Deviation& deviation : deviations) names.push_back(deviation.name);
    return names;
}

const auto wrong_product = custom(
    "wrong_product", [](const auto& h, const auto& W) { return matmul(h, W); },
    [](const auto& g, const auto&, const auto&, const auto& W) { return matmul(g, W); },  // W' it should be
    [](const auto& g, const auto&, const auto& h, const auto&) {
        return matmul(h, g, {.a = true, .b = false});
    });

/// The Elman cell, but for a product whose gradient by h has W where W' belongs.
struct WrongCell {
    const nn::ElmanCell<double>& right;
    Var<double> initial_state(std::size_t batch) const { return right.initial_state(batch); }
    Var<double> project(const Var<double>& x) const { return right.project(x); }
    auto step(const Var<double>& u, const Var<double>& h) const {
        const Var<double> next = tanh(wrong_product(h, right.W) + u);
        return std::pair{next, next};
    }
};

}  // namespace

TEST_CASE("cross-check: tape, closed form and differences agree for short and long sequences") {
    for (Activation activation : {Activation::tanh, Activation::relu})
        for (std::size_t T : {1U, 2U, 3U, 7U, 50U, 200U})
            for (std::size_t B : {1U, 5U}) {
                const nn::CrossCheck check = Setting(T, B, activation).check();
                CHECK_MESSAGE(check.agrees(), check.text());
                CHECK(names_of(check.closed_form) ==
                      std::vector<std::string>{"U", "W", "b", "V", "c", "h(0)"});
                CHECK(names_of(check.differences) == names_of(check.closed_form));
                REQUIRE(check.time_steps.size() == T);
                CHECK(names_of(check.time_steps[T - 1]) ==
                      std::vector<std::string>{"h", "U", "W", "b", "V", "c"});
                for (const nn::Deviation& deviation : check.closed_form) {
                    CHECK((deviation.largest > 0 || (T == 1 && deviation.name == "W")));  // h(0) is 0
                    CHECK(deviation.compared == deviation.shape.size());
                }
            }
}

TEST_CASE("cross-check: a network of float is checked in double") {
    const Setting setting(7, 2);
    const auto narrow = [](const Parameter<double>& p) { return rounded<float>(p.value()); };
    const nn::ElmanCell<float> cell(narrow(setting.cell.U), narrow(setting.cell.W), narrow(setting.cell.b));
    const nn::Linear<float> output(narrow(setting.output.V), narrow(setting.output.c));
    const nn::CrossCheck check = nn::cross_check(cell, output, rounded<float>(setting.x), setting.targets);
    CHECK_MESSAGE(check.agrees(), check.text());
    CHECK(check.loss == doctest::Approx(setting.check().loss).epsilon(1e-5));
}

TEST_CASE("cross-check: leaves the network as it was") {
    const Setting setting(3, 2);
    const Tensor<double> U = setting.cell.U.value();
    setting.check();
    check_same_bits(setting.cell.U.value(), U);
    CHECK(setting.cell.U.storage()->version == 0);
}

TEST_CASE("cross-check: the options limit what is compared") {
    const nn::CrossCheck check = Setting(3, 2).check({.differences = 4, .time_steps = false});
    CHECK(check.time_steps.empty());
    for (const nn::Deviation& deviation : check.differences) CHECK(deviation.compared == 4);
    CHECK(contains(check.text(), "(4 of 15)"));
    CHECK(!Setting(3, 2).check({.difference_limit = 1e-30}).agrees());
    CHECK(!Setting(50, 2).check({.closed_form_limit = 1e-30}).agrees());
}

TEST_CASE("cross-check: the report names sizes, loss and limits") {
    const nn::CrossCheck check = Setting(8, 2).check();
    const std::string text = check.text();
    CHECK(text.starts_with("BPTT cross-check in double: T=8 B=2 I=3 H=5 O=4, J = "));
    for (const char* part : {"dJ/dU", "dJ/dW", "dJ/db", "dJ/dV", "dJ/dc", "dJ/dh(0)", "t=0", "t=7", "agrees"})
        CHECK_MESSAGE(contains(text, part), text);
    CHECK(!contains(text, "WRONG"));
    CHECK(!contains(text, "DISAGREES"));
}

// W at the place of W' is wrong from the last time step but one: dJ~/dh(T) does not come through W.
TEST_CASE("cross-check: a planted mistake is named with parameter, element and time step") {
    constexpr std::size_t T = 5;
    const Setting setting(T, 2);
    const auto bptt = nn::closed_form::elman_bptt<double>(
        {setting.cell.U.value(), setting.cell.W.value(), setting.cell.b.value(), setting.output.V.value(),
         setting.output.c.value()},
        setting.x, setting.targets, filled({2, H}, 0));
    Tape<double> tape;
    const auto unrolled = nn::unroll(WrongCell{setting.cell}, setting.x, {.trace = true});
    const Var<double> J = nn::softmax_cross_entropy(setting.output(unrolled.outputs), setting.targets);
    WrtList<double> wrt{setting.cell.W, setting.output.V};
    for (const Var<double>& h : unrolled.trace) wrt.add(h);
    const Gradients<double> g = gradient(J, wrt);

    nn::CrossCheck check = setting.check();
    check.closed_form[1] = nn::largest_deviation("W", g[setting.cell.W], bptt.total.W);
    check.closed_form[3] = nn::largest_deviation("V", g[setting.output.V], bptt.total.V);
    for (std::size_t t = 0; t < T; ++t)
        check.time_steps[t][0] = nn::largest_deviation("h", g[unrolled.trace[t]], bptt.states[t]);

    CHECK(!check.agrees());
    const std::string text = check.text();
    CHECK_MESSAGE(contains(text, "DISAGREES"), text);
    CHECK(contains(text, "WRONG: dJ/dW at ["));
    CHECK(!contains(text, "WRONG: dJ/dV"));
    for (std::size_t t = 0; t < T; ++t)
        CHECK(contains(text, "WRONG at t=" + std::to_string(t) + ": dJ/dh") == (t + 1 < T));
}

TEST_CASE("cross-check: the largest deviation, where it is and both values") {
    const Tensor<double> right = tensor({2, 3}, {1, -4, 0, 2, 3, 0.5});
    Tensor<double> wrong = right;
    CHECK(nn::largest_deviation("W", right, wrong).relative == 0);
    wrong(0, 2) = 0.01;
    wrong(1, 1) = 3.2;
    const nn::Deviation deviation = nn::largest_deviation("W", wrong, right);
    CHECK(deviation.name == "W");
    CHECK(deviation.at == std::vector<std::size_t>{1, 1});
    CHECK(deviation.tape == 3.2);
    CHECK(deviation.other == 3);
    CHECK(deviation.largest == 4);
    CHECK(deviation.relative == doctest::Approx(0.05));
    CHECK(deviation.compared == 6);

    for (double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        wrong(1, 2) = bad;
        CHECK(std::isinf(nn::largest_deviation("W", wrong, right).relative));
        CHECK(std::isinf(nn::largest_deviation("W", right, wrong).relative));
        CHECK(nn::largest_deviation("W", right, wrong).at == std::vector<std::size_t>{1, 2});
    }
    CHECK(nn::largest_deviation("W", filled({2}, 0), filled({2}, 0)).relative == 0);
    CHECK(
        text_of<std::invalid_argument>([&] {
            nn::largest_deviation("W", right, filled({3, 2}, 0));
        }) ==
        "largest_deviation: the tape's gradient by W is [2, 3] and the other [3, 2]; they must have the same "
        "shape");
}

TEST_CASE("cross-check: a NaN in the data is not passed over") {
    Setting setting(3, 2);
    setting.x(1, 0, 0) = std::numeric_limits<double>::quiet_NaN();
    const nn::CrossCheck check = setting.check();
    CHECK(!check.agrees());
    CHECK(contains(check.text(), "WRONG"));
}

TEST_CASE("cross-check: what does not fit is refused") {
    const Setting setting(3, 2);
    const auto refused = [&](const Tensor<double>& x, const Targets& targets) {
        return text_of<std::invalid_argument>(
            [&] { nn::cross_check(setting.cell, setting.output, x, targets); });
    };
    CHECK(refused(filled({3, 2}, 1), setting.targets) ==
          "cross_check: x is [3, 2]; it must be [T, B, I] with at least one element");
    CHECK(contains(refused(filled({0, 2, I}, 1), setting.targets), "x is [0, 2, 3]"));
    CHECK(contains(refused(filled({3, 0, I}, 1), setting.targets), "x is [3, 0, 3]"));
    CHECK(contains(refused(filled({4, 2, I}, 1), setting.targets), "targets is [3, 2]"));
    Targets outside = setting.targets;
    outside(2, 1) = 4;
    CHECK(contains(refused(setting.x, outside), "target is 4"));
}
