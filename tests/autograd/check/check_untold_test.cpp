#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

// A check that passes because it cannot tell says so.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// sin with the sign of its slope flipped.
const auto flipped = custom(
    "flipped", [](const auto& x) { return sin(x); },
    [](const auto& g, const auto&, const auto& x) { return -1 * g * cos(x); });

void check_untold(const GradientReport& report) {
    CHECK_MESSAGE(report.passed(), report.text());
    REQUIRE_MESSAGE(report.warnings.size() == 1, report.text());
    CHECK_MESSAGE(contains(report.warnings.at(0), "could not be told"), report.text());
}

}  // namespace

TEST_CASE("check untold: a gradient below the tolerances is warned of") {
    const Tensor<double> x = Random(1).tensor({4, 5});
    const auto tiny = [](const auto& v) { return 1e-9 * sum(flipped(v)); };
    check_untold(check_gradient(tiny, {{"x", x}}));
    check_untold(check_gradient(tiny, {{"x", x}}, {.full_limit = 5}));
    // Large enough it is decided, and one that is told is no cause for a warning.
    CHECK(!check_gradient([](const auto& v) { return 1e-3 * sum(flipped(v)); }, {{"x", x}}).passed());
    for (const std::size_t limit : {5UL, 100UL})
        CHECK(check_gradient([](const auto& v) { return 1e-3 * sum(sin(v)); }, {{"x", x}},
                             {.full_limit = limit})
                  .warnings.empty());
}

TEST_CASE("check untold: a gradient below the rounding of a large result is warned of") {
    const auto hidden = [](const auto& v) { return 1e-4 * sum(flipped(v)) + 1e7; };
    check_untold(check_gradient(hidden, {{"x", Random(1).tensor({4})}}));
    const auto swallowed = [](const auto& x) { return (x * x * x + 1e13) - 1e13; };
    const GradientReport report = check_gradient(swallowed, {{"x", Random(2).tensor({3})}});
    CHECK(report.inputs.at(0).undecided == 3);
    check_untold(report);
}

TEST_CASE("check untold: an input that lies at kinks alone is warned of") {
    for (const std::size_t limit : {5UL, 100UL})
        check_untold(check_gradient([](const auto& x) { return relu(x); }, {{"x", filled({4, 5}, 0)}},
                                    {.full_limit = limit}));
}

TEST_CASE("check untold: nothing to compare is warned of, and no directions are refused") {
    const GradientReport report =
        check_gradient([](const auto& x) { return slice(square(x), 0, 0, 0); }, {{"x", vector({1, 2})}});
    CHECK(report.passed());
    CHECK(contains(report.text(), "nothing was compared"));
    CHECK(contains(check_gradient([](const auto& x) { return sum(x); }, {{"x", filled({0, 3}, 0)}}).text(),
                   "nothing was compared"));
    CHECK(contains(text_of<std::invalid_argument>([] {
                       check_gradient(flipped, {{"x", vector({1, 2})}}, {.directions = 0});
                   }),
                   "directions is 0"));
}

TEST_CASE("check untold: a function that differentiates by itself is not taken for one that is not finite") {
    const auto direction = [](const auto& x) {
        const auto g = gradient_graph(sum(sin(x) * x), {x}).at(0);
        return sum(square(g / sqrt(sum(square(g))) + x));
    };
    const GradientReport report = check_gradient(direction, {{"x", Random(3).tensor({4})}});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.inputs.at(0).compared == 4);
    // What is not finite with a recording too stays so.
    const auto singular = [](const auto& x) {
        const auto g = gradient_graph(sum(x), {x}).at(0);
        return sum(x / (g - 1));
    };
    CHECK(check_gradient(singular, {{"x", vector({1, 2})}}).has(Diagnosis::not_finite));
}
