#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

// A rule that is right, and wrong when it is differentiated itself: which operation, which argument.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

/// What a rule sees of a value when it is recorded: not the value's dependence on anything.
auto frozen(const auto& x) {
    if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(x)>>)
        return x;
    else
        return detach(x);
}

void check_located(const GradientReport& report, const std::string& operation, std::size_t argument,
                   const std::string& text) {
    CHECK_MESSAGE(!report.passed(), report.text());
    bool any = false;
    for (const Finding& finding : report.findings) {
        CHECK(finding.order == 2);
        if (!finding.rule.has_value()) continue;
        any = true;
        CHECK_MESSAGE(finding.rule->operation == operation, report.text());
        CHECK_MESSAGE(finding.rule->argument == argument, report.text());
        CHECK_MESSAGE(contains(finding.text, text), report.text());
        CHECK_MESSAGE(!contains(finding.text, "every recorded rule"), report.text());
        CHECK(contains(finding.rule->file, "check_second_order_test.cpp"));
    }
    CHECK_MESSAGE(any, report.text());
}

/// Among other operations, before and behind.
template <class F>
GradientReport of_one(const F& f) {
    return check_gradient([&](const D& x) { return sum(sin(x) * exp(f(0.5 * tanh(x)))); },
                          {{"x", Random(3).tensor({3, 4})}}, {.order = 2});
}

template <class F>
GradientReport of_two(const F& f) {
    // The second argument depends on the first: what comes by way of that is no mistake of the rule.
    return check_gradient(
        [&](const D& x, const D& w) {
            const D a = tanh(x);
            return f(a, square(a) + matmul(x, w)) * cos(x);
        },
        {{"x", Random(3).tensor({4, 3})}, {"w", Random(4).tensor({3, 3})}}, {.order = 2});
}

}  // namespace

TEST_CASE("check second order: right operations and rules pass, whatever is between them") {
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * square(x); });
    const GradientReport right = of_one(cube);
    CHECK_MESSAGE(right.passed(), right.text());
    const auto product = [](const auto& a, const auto& b) { return a * b; };
    const GradientReport of_product = of_two(product);
    CHECK_MESSAGE(of_product.passed(), of_product.text());
}

TEST_CASE("check second order: a rule that takes its argument, its result or its cotangent for a constant") {
    check_located(of_one(custom(
                      "cube", [](const auto& x) { return x * x * x; },
                      [](const auto& g, const auto&, const auto& x) { return 3 * g * square(frozen(x)); })),
                  "cube", 0, "the rule of cube for its argument 0 takes argument 0 for a constant");
    check_located(of_one(custom(
                      "cube", [](const auto& x) { return x * x * x; },
                      [](const auto& g, const auto&, const auto& x) { return 3 * g * x * frozen(x); })),
                  "cube", 0, "differentiates wrongly by argument 0");
    check_located(of_one(custom(
                      "my_tanh", [](const auto& x) { return tanh(x); },
                      [](const auto& g, const auto& y, const auto&) { return g * (1 - square(frozen(y))); })),
                  "my_tanh", 0, "takes argument 0 for a constant");
    check_located(of_one(custom(
                      "my_sin", [](const auto& x) { return sin(x); },
                      [](const auto& g, const auto&, const auto& x) { return frozen(g) * cos(x); })),
                  "my_sin", 0, "takes its cotangent for a constant");
}

TEST_CASE("check second order: which argument's rule it is, and by which other argument") {
    check_located(of_two(custom(
                      "my_multiply", [](const auto& a, const auto& b) { return a * b; },
                      [](const auto& g, const auto&, const auto&, const auto& b) { return g * b; },
                      [](const auto& g, const auto&, const auto& a, const auto&) { return g * frozen(a); })),
                  "my_multiply", 1,
                  "the rule of my_multiply for its argument 1 takes argument 0 for a constant");
}

TEST_CASE("check second order: a rule that gives something else when it is recorded") {
    check_located(of_one(custom(
                      "my_tanh", [](const auto& x) { return tanh(x); },
                      [](const auto& g, const auto& y, const auto&) {
                          constexpr bool recorded = !tapeloop::detail::is_array<std::decay_t<decltype(y)>>;
                          return g * (1 - square(y)) * (recorded ? 1.0001 : 1.0);
                      })),
                  "my_tanh", 0, "gives something else when it is recorded");
}

TEST_CASE(
    "check second order: a gradient of the gradient that is NaN is told as such, and accuses nobody else") {
    const GradientReport report =
        check_gradient([](const auto& x) { return sum(where(x > 0, x * log(x), 0 * x)); },
                       {{"x", vector({0, 0.5})}}, {.order = 2});
    CHECK_MESSAGE(report.has(Diagnosis::not_finite), report.text());
    CHECK_MESSAGE(!report.has(Diagnosis::not_linear), report.text());
    CHECK_MESSAGE(!report.has(Diagnosis::asymmetric_hessian), report.text());
}
