#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

// What is compared, by choice; forward mode; float's tape against double's.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

template <class T>
constexpr bool is_recorded = std::is_same_v<T, Var<double>> || std::is_same_v<T, Var<float>>;

/// tanh, with rules for arrays and for recording that may differ.
template <class Array, class Recorded>
auto tanh_by(Array for_arrays, Recorded recorded) {
    return custom(
        "my_tanh", [](const auto& x) { return tanh(x); },
        [=](const auto& g, const auto& y, const auto&) {
            if constexpr (is_recorded<std::decay_t<decltype(g)>>)
                return recorded(g, y);
            else
                return for_arrays(g, y);
        });
}

const auto right_rule = [](const auto& g, const auto& y) { return g * (1 - y * y); };
const auto small_mistake = [](const auto& g, const auto& y) { return 1.001 * g * (1 - y * y); };
const auto not_linear_rule = [](const auto& g, const auto& y) { return g * abs(g) * (1 - y * y); };

/// x^3 whose value and rule may be off in one type alone.
template <class Wrong>
auto cube_wrong_in(double value_factor, double rule_factor) {
    const auto factor = [](const auto& x, double in_wrong) {
        return std::is_same_v<typename std::decay_t<decltype(x)>::value_type, Wrong> ? in_wrong : 1.0;
    };
    return custom(
        "my_cube", [=](const auto& x) { return factor(x, value_factor) * (x * x * x); },
        [=](const auto& g, const auto&, const auto& x) { return factor(x, rule_factor) * 3 * (g * x * x); });
}

Tensor<float> some_floats() { return rounded<float>(vector({0.3, -1.25, 2, 0.001})); }

}  // namespace

TEST_CASE("check modes: all elements, directions, or both") {
    const auto f = [](const auto& x) { return sum(tanh(x) * x); };
    const Tensor<double> x = Random(1).tensor({40});
    const auto compared = [&](CheckMode mode, std::size_t full_limit) {
        const GradientReport report =
            check_gradient(f, {{"x", x}}, {.mode = mode, .full_limit = full_limit, .directions = 3});
        CHECK(report.passed());
        return std::pair(report.inputs.at(0).compared, report.inputs.at(0).directions);
    };
    using Counts = std::pair<std::size_t, std::size_t>;
    CHECK(compared(CheckMode::automatic, 100) == Counts(40, 0));
    CHECK(compared(CheckMode::automatic, 10) == Counts(0, 3));
    CHECK(compared(CheckMode::elements, 10) == Counts(40, 0));
    CHECK(compared(CheckMode::directions, 100) == Counts(0, 3));
    CHECK(compared(CheckMode::both, 10) == Counts(40, 3));
}

TEST_CASE("check modes: so much may two calls differ, and no more") {
    std::size_t calls = 0;
    const auto trembling = [&calls](const auto& x) {
        return sum(x * x) * (++calls % 2 == 0 ? 1 : 1 + 1e-12);
    };
    const auto check = [&](double tolerance) {
        return check_gradient(trembling, {{"x", vector({1, 2, 3})}}, {.nondeterminism = tolerance});
    };
    CHECK(check(0).has(Diagnosis::non_deterministic));
    CHECK(check(1e-13).has(Diagnosis::non_deterministic));
    CHECK(!check(1e-11).has(Diagnosis::non_deterministic));
}

TEST_CASE("check modes: values that tremble within what is allowed raise no alarm, and hide no mistake") {
    Random random(1);
    const auto check = [&](double factor, std::uint64_t seed) {
        const auto squares = custom(
            "squares", [](const auto& x) { return x * x; },
            [factor](const auto& g, const auto&, const auto& x) { return factor * g * x; });
        return check_gradient(
            [&](const auto& x) { return sum(squares(x)) * (1 + random.uniform(-1e-9, 1e-9)); },
            {{"x", vector({1, 2, 3})}}, {.seed = seed, .nondeterminism = 1e-8});
    };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const GradientReport right = check(2, seed);
        CHECK_MESSAGE(right.passed(), right.text());
        CHECK(!check(1, seed).passed());
    }
}

TEST_CASE("check modes: forward mode agrees with the sweep, of tensors, parameters and several results") {
    Parameter<double> W("W", Random(2).tensor({3, 2}));
    const GradientReport report = check_gradient(
        [&](const auto& x, const auto& b) {
            const auto y = softmax(matmul(x, W) + b);
            return std::vector{y, sum(y * y, {0}), max(x)};
        },
        {{"x", Random(3).tensor({4, 3})}, W, {"b", Random(4).tensor({2})}}, {.forward = true});
    CHECK_MESSAGE(report.passed(), report.text());
    REQUIRE(report.forward.has_value());
    CHECK(std::abs(report.forward->forward) > 0.01);
    CHECK(report.forward->forward == doctest::Approx(report.forward->reverse).epsilon(1e-12));
    CHECK(contains(report.text(), "<u, J v>"));
    CHECK(!check_gradient([](const auto& x) { return sin(x); }, {{"x", vector({1})}}).forward.has_value());
}

TEST_CASE("check modes: forward mode finds a recorded rule that differs, and one that is not linear") {
    const auto report_of = [](const auto& f) {
        return check_gradient([&](const auto& x) { return f(x); }, {{"x", vector({0.3, -0.8, 1.1})}},
                              {.forward = true, .diagnose = false});
    };
    CHECK(report_of(tanh_by(right_rule, right_rule)).passed());
    const GradientReport differs = report_of(tanh_by(right_rule, small_mistake));
    CHECK_MESSAGE(differs.has(Diagnosis::forward_differs), differs.text());
    CHECK(!differs.passed());
    CHECK(report_of(tanh_by(right_rule, not_linear_rule)).has(Diagnosis::forward_differs));
}

TEST_CASE("check modes: a mistake in float alone, or in double alone, is found with tensors of float") {
    const auto report_of = [](const auto& f) {
        return check_gradient([&](const auto& x) { return f(x); }, {{"x", some_floats()}});
    };
    const GradientReport right = report_of(cube_wrong_in<float>(1, 1));
    CHECK_MESSAGE(right.passed(), right.text());
    REQUIRE(right.float_deviation.has_value());
    CHECK(*right.float_deviation < 1e-5);
    CHECK(contains(right.text(), "double, float within"));
    for (const double factor : {2.0, -1.0, 1.01}) {
        const GradientReport rule = report_of(cube_wrong_in<float>(1, factor));
        CHECK_MESSAGE(rule.has(Diagnosis::float_differs), rule.text());
        CHECK(rule.findings.at(0).input == "x");
        CHECK(!rule.passed());
        const GradientReport value = report_of(cube_wrong_in<float>(factor, factor));
        CHECK_MESSAGE(value.has(Diagnosis::float_differs), value.text());
        CHECK(contains(value.text(), "of f's results"));
    }
    CHECK(!report_of(cube_wrong_in<double>(1, 1.01)).passed());
    // Tensors of double are checked in double alone.
    CHECK(check_gradient([f = cube_wrong_in<float>(1, 2)](const auto& x) { return f(x); },
                         {{"x", vector({1, 2})}})
              .passed());
}

TEST_CASE("check modes: what rounding does in float is no mistake, and leaving its range is warned of") {
    const auto report_of = [](const auto& f, const Tensor<double>& x) {
        return check_gradient(f, {{"x", rounded<float>(x)}});
    };
    const auto cancelled =
        report_of([](const auto& x) { return x / (sqrt(1 + x) - 1); }, vector({1e-3, 0.1}));
    CHECK_MESSAGE(cancelled.passed(), cancelled.text());
    const auto swallowed = report_of([](const auto& x) { return square((x + 1e6) - 1e6); }, vector({0.3, 1}));
    CHECK_MESSAGE(swallowed.passed(), swallowed.text());
    const auto overflow = report_of([](const auto& x) { return log(exp(x)); }, vector({100, 1}));
    CHECK_MESSAGE(overflow.passed(), overflow.text());
    CHECK(contains(overflow.text(), "in float"));
    CHECK(!overflow.float_deviation.has_value());
}
