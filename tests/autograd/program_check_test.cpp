#include <tests/fuzz/check.hpp>
#include <tests/fuzz/finding.hpp>

#include <autograd/map.hpp>

#include <doctest/doctest.h>

#include <cmath>

// The checks of random programs must find what is wrong, and nothing where differences or `float` cannot
// tell.

using namespace tapeloop;
using namespace tapeloop::test;
using namespace tapeloop::fuzz;

TEST_CASE("program check: a kink is seen beneath a curvature that is larger") {
    const auto with_kink = [](double x) { return 50 * x * x + 1e-3 * std::abs(x - 1e-6); };
    CHECK(slope_at_zero(with_kink, 1).kind == Slope::Kind::kink);
    const Slope smooth = slope_at_zero([](double x) { return 50 * x * x + 3 * x; }, 1);
    REQUIRE(smooth.kind == Slope::Kind::found);
    CHECK(std::abs(smooth.value - 3) < 1e-8);
}

TEST_CASE("program check: what turns many times within a difference has no slope by differences") {
    const auto fast = [](double x) { return std::sin(1e30 * (x + 0.1)); };
    CHECK(slope_at_zero(fast, 1e30).kind == Slope::Kind::rough);
}

namespace {

/// `where(a * d < b, a, -b)` of two inputs.
fuzz::Program program_with_a_step(double a, double b) {
    fuzz::Program program;
    for (const double value : {a, b}) {
        Line leaf;
        leaf.leaf = Leaf{LeafKind::input, vector({value, 0.5})};
        leaf.first_result = program.lines.size();
        program.lines.push_back(leaf);
    }
    Line line;
    line.call = fuzz::call("map", {0, 1}, [](const auto& x) {
        return map(
            [](auto p, auto q, auto d) {
                auto e = p * d;
                return where(e < q, p, -q);
            },
            x.var(0), x.var(1), 0.75);
    });
    line.first_result = 2;
    program.lines.push_back(line);
    program.roots.push_back({2, vector({1, 1})});
    return program;
}

}  // namespace

TEST_CASE("program check: float may be on the other side of a step, and nowhere else") {
    // 3/4 of `a` lies halfway between two floats and is rounded up, to `b`.
    const double a = 1 + 0x1p-23;
    const double b = static_cast<float>(0.75 * a);
    REQUIRE(0.75 * a < b);
    Counts counts;
    CHECK_NOTHROW(check_lines(program_with_a_step(a, b), counts));
    CHECK(counts["lines, float on the other side of a step"] == 1);

    fuzz::Program wrong = program_with_a_step(a, b);
    const auto right = wrong.lines.back().call.call_float;
    wrong.lines.back().call.call_float = [right](const Arguments<float>& x) {
        return fuzz::Vars<float>{right(x)[0] * 1.01F};
    };
    CHECK_THROWS_AS(check_lines(wrong, counts), fuzz::Finding);
}
