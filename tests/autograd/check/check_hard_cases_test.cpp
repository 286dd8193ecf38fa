#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

#include <cmath>

// Right functions that are hard for differences, and mistakes that one point and one cotangent do not show.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

template <class F>
void check_right(const F& f, const Tensor<double>& x, const CheckOptions& options = {}) {
    const GradientReport report = check_gradient(f, {{"x", x}}, options);
    CHECK_MESSAGE(report.passed(), report.text());
}

Tensor<double> logistic_start() { return vector({0.3, 0.51}); }

/// x^2 / 2 whose rule is handed to it; it must be g x.
template <class Rule>
auto half_square_with(Rule rule) {
    return custom(
        "half_square", [](const auto& x) { return 0.5 * x * x; }, rule);
}

}  // namespace

TEST_CASE("check hard cases: beside a kink the finer steps decide") {
    check_right([](const auto& x) { return leaky_relu(x, 0.01); }, vector({1e-9, -1e-9}));
    check_right([](const auto& x) { return abs(x); }, vector({-3e-9, 3e-9}));
    check_right([](const auto& x) { return clip(x, -0.1, 0.1); }, vector({static_cast<double>(0.1F)}));
    const Tensor<double> many = 1e-4 * Random(1).tensor({30'000});
    check_right([](const auto& x) { return relu(x); }, many);
}

TEST_CASE("check hard cases: structure finer than the usual step is no mistake") {
    check_right([](const auto& x) { return tanh(x / 1e-8); }, vector({1.3e-8}));
    check_right([](const auto& x) { return 1 / x; }, vector({1e-7, -2e-7}));
    check_right([](const auto& x) { return sin(1e7 * x); }, vector({0.3, 1.1, -2.7}));
    const auto logistic = [](const auto& x) {
        auto y = 1.0 * x;
        for (int i = 0; i < 30; ++i) y = 3.9 * y * (1 - y);
        return y;
    };
    check_right(logistic, logistic_start());
    check_right([](const auto& x) { return square(x); }, vector({1e-8, 1e8, -1e-8, 3e7}));
}

TEST_CASE("check hard cases: between a line and a parabola there is a kink") {
    const GradientReport report =
        check_gradient([](const auto& x) { return where(x < 0.0, -1 * x, x * x); }, {{"x", vector({0})}});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.has(Diagnosis::kink));
    CHECK(contains(report.text(), "1 of 1 elements untold"));
}

TEST_CASE("check hard cases: a rule that ignores its cotangent is found at a single result") {
    const auto wrong = half_square_with([](const auto&, const auto&, const auto& x) { return 1 * x; });
    const GradientReport report =
        check_gradient([&](const auto& x) { return wrong(x); }, {{"x", vector({0.7})}});
    CHECK_MESSAGE(report.has(Diagnosis::cotangent_ignored), report.text());
    CHECK_MESSAGE(!report.has(Diagnosis::factor), report.text());
    CHECK(!check_gradient([&](const auto& x) { return sum(wrong(x)); }, {{"x", vector({0.7, 2})}}).passed());
}

TEST_CASE("check hard cases: a rule that remembers is found") {
    Tensor<double> last = vector({0, 0});
    const auto by_last = custom(
        "by_last",
        [&last](const auto& x) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(x)>>) last = x.tensor();
            return 0.5 * x * x;
        },
        [&last](const auto& g, const auto&, const auto& x) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(x)>>)
                return Tensor<double>(g.tensor() * last);
            else
                return g * x;
        });
    CHECK(!check_gradient([&](const auto& x) { return by_last(x); }, {{"x", vector({0.7, 2})}}).passed());
    double drawn = 1;
    const auto draws = half_square_with([&drawn](const auto& g, const auto&, const auto& x) {
        drawn += 0.5;
        return drawn * g * x;
    });
    const GradientReport report =
        check_gradient([&](const auto& x) { return draws(x); }, {{"x", vector({0.7, 2})}});
    CHECK_MESSAGE(report.has(Diagnosis::rule_changes), report.text());
}

TEST_CASE("check hard cases: a slope that is wrong only where the inputs do not lie is found") {
    const auto wrong = custom(
        "bounded", [](const auto& x) { return clip(x, -4.0, 4.0); },
        [](const auto& g, const auto&, const auto&) { return 1 * g; });
    const GradientReport report =
        check_gradient([&](const auto& x) { return wrong(x); }, {{"x", vector({0.7, 2, -1})}});
    CHECK(!report.passed());
    CHECK_MESSAGE(contains(report.text(), "at 8 times the inputs"), report.text());
    CHECK(check_gradient([&](const auto& x) { return wrong(x); }, {{"x", vector({0.7, 2, -1})}},
                         {.elsewhere = false})
              .passed());
}

TEST_CASE("check hard cases: a slope that is wrong at some numbers alone, which inputs have, is found") {
    const auto wrong_at = [](auto is_there) {
        return custom(
            "wrong_there", [](const auto& x) { return sin(x); },
            [is_there](const auto& g, const auto&, const auto& x) {
                if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>) {
                    const Tensor<double> factors =
                        each(x.tensor(), [&](double element) { return is_there(element) ? 0.5 : 1.0; });
                    return g * cos(x) * Array<double>(factors);
                } else {
                    return g * cos(x);
                }
            });
    };
    const auto at_zero = wrong_at([](double x) { return x == 0; });
    const auto at_integers = wrong_at([](double x) { return x == std::round(x); });
    for (const GradientReport& report : {check_gradient(at_zero, {{"x", vector({0.5, 0, -0.3})}}),
                                         check_gradient(at_zero, {{"x", vector({0, 0})}}),
                                         check_gradient(at_integers, {{"x", vector({1, 2, -1})}})}) {
        REQUIRE_MESSAGE(!report.passed(), report.text());
        CHECK_MESSAGE(contains(report.text(), "the rule of wrong_there for its argument 0"), report.text());
    }
}

TEST_CASE("check hard cases: one wrong element of a million is found within 200 evaluations") {
    const auto wrong = custom(
        "wrong", [](const auto& x) { return 1 * x; },
        [](const auto& g, const auto&, const auto&) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>) {
                Tensor<double> result = g.tensor();
                result.data()[654'321] *= 2;
                return result;
            } else {
                return 1 * g;
            }
        });
    const GradientReport report = check_gradient([&](const auto& x) { return sum(wrong(x)); },
                                                 {{"x", Random(1).tensor({1'000'000})}}, {.seconds = 600});
    CHECK_MESSAGE(report.has(Diagnosis::elements), report.text());
    CHECK(report.evaluations <= 200);
    REQUIRE(report.inputs.at(0).worst.size() > 0);
    CHECK(report.inputs.at(0).wrong == 1);
    CHECK(report.inputs.at(0).worst.at(0).index == 654'321);
}
