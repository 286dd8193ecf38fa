#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/doctest.hpp>

#include <cstdlib>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("CHECK_GRADIENT: one line holds a gradient") {
    const Tensor<double> x = Random(1).tensor({2, 3});
    Parameter<double> W("W", Random(2).tensor({3, 2}));
    CHECK_GRADIENT([](const auto& a, const auto& b) { return a * b; }, {{"a", x}, {"b", x}});
    CHECK_GRADIENT([&](const auto& a) { return matmul(a, W); }, {{"a", x}, W}, {.order = 2});
    REQUIRE_GRADIENT([&] { return sum(square(W)); }, parameter_list(W));
}

TEST_CASE("CHECK_GRADIENT: a failure has the report and a line that runs the test again") {
    const Tensor<double> x = Random(1).tensor({2, 3});
    const auto wrong = custom(
        "wrong", [](const auto& v) { return v * v; },
        [](const auto& g, const auto&, const auto& v) { return g * v; });
    const GradientReport report = check_gradient(wrong, {{"x", x}}, {.seed = 12});
    const std::string text = tapeloop::detail::failure_text(report, "check_gradient(wrong, {{\"x\", x}})",
                                                            tapeloop::detail::doctest_filter());
    for (const char* part : {"check_gradient(wrong, {{\"x\", x}})", "FAILED", "x: factor", "seed 12",
                             "TAPELOOP_CHECK_SEED=12", "--test-case='CHECK_GRADIENT: a failure has"})
        CHECK_MESSAGE(contains(text, part), text);
}

TEST_CASE("CHECK_GRADIENT: a name, with a comma, is found by the line that runs it again") {
    const GradientReport report = check_gradient([](const auto& v) { return sin(v); }, {{"x", vector({1})}});
    const std::string text = tapeloop::detail::failure_text(report, "", tapeloop::detail::doctest_filter());
    CHECK_MESSAGE(contains(text, "--test-case='CHECK_GRADIENT: a name? with a comma? is found"), text);
    CHECK(tapeloop::detail::filter_for("what's, a \\") == "what?s? a ?");
}

TEST_CASE("CHECK_GRADIENT: warnings of a check that passes are said, and are no failures") {
    const auto tiny = [](const auto& v) { return 1e-12 * sum(v); };
    const GradientReport report = check_gradient(tiny, {{"x", vector({1, 2})}});
    CHECK(contains(tapeloop::detail::warning_text(report, "check_gradient(tiny)"), "could not be told"));
    CHECK_GRADIENT(tiny, {{"x", vector({1, 2})}});
}

TEST_CASE("CHECK_GRADIENT: the environment gives the seed") {
    const auto seed = [] {
        return check_gradient([](const auto& v) { return sin(v); }, {{"x", vector({1, 2})}}).seed;
    };
    const char* const before = std::getenv("TAPELOOP_CHECK_SEED");
    const std::string kept = before == nullptr ? "" : before;
    setenv("TAPELOOP_CHECK_SEED", "41", 1);
    CHECK(seed() == 41);
    unsetenv("TAPELOOP_CHECK_SEED");
    CHECK(seed() == 1);
    if (before != nullptr) setenv("TAPELOOP_CHECK_SEED", kept.c_str(), 1);
}
