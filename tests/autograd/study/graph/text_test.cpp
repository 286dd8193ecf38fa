#include <tests/expect.hpp>

#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/graph/text.hpp>

#include <limits>
#include <regex>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Two steps of an Elman cell.
Graph small_graph(bool values) {
    const Parameter<double> W("W", tensor({2, 2}, {1, 0, 0, 1}));
    Tape<double> tape;
    Var<double> h = input(tensor({1, 2}, {0, 0.5})).named("h0");
    for (std::size_t t = 0; t < 2; ++t) {
        const LabelScope<double> layer("layer");
        const LabelScope<double> step(t);
        h = tanh(matmul(h, W)).named("h");
    }
    const Var<double> J = sum(h, 1).named("J");
    const auto gradients = gradient({GradientRoot<double>{J, filled({1}, 1)}}, every_node(tape));
    return values ? read_graph(tape, gradients, {.values = true}) : read_graph(tape);
}

/// The lines of this file as `here`, as wide as all of them are.
std::string without_numbers(const std::string& text) {
    return std::regex_replace(text, std::regex("text_test.cpp:[0-9]+"), "here");
}

std::string lines(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("text: one line for each node, aligned") {
    CHECK(without_numbers(to_text(small_graph(false))) ==
          lines({"%0:h0             [1, 2]  constant             here", " %1:W  layer      [2, 2]  parameter",
                 "   %2  layer/t=0  [1, 2]  matmul(%0:h0, %1:W)  here",
                 " %3:h  layer/t=0  [1, 2]  tanh(%2)             here",
                 "   %4  layer/t=1  [1, 2]  matmul(%3:h, %1:W)   here",
                 " %5:h  layer/t=1  [1, 2]  tanh(%4)             here",
                 " %6:J             [1]     sum(%5:h; axis 1)    here"}));
}

TEST_CASE("text: of a slice, and of nothing") {
    CHECK(without_numbers(to_text(small_graph(false).time_steps(1, 2))) ==
          lines({"  %4  layer/t=1  [1, 2]  matmul(%3:h, %1:W)  here",
                 "%5:h  layer/t=1  [1, 2]  tanh(%4)            here"}));
    CHECK(to_text(Graph()).empty());
    CHECK(to_text(fold(Graph())).empty());
}

TEST_CASE("text: folded, a state comes from the step before or from where it starts") {
    CHECK(without_numbers(to_text(fold(small_graph(false)))) ==
          lines({"layer: 2 time steps, t=0 to 1",
                 "%0:h0              [1, 2]  constant                                here",
                 " %1:W  layer       [2, 2]  parameter",
                 "   %4  layer  x 2  [1, 2]  matmul(%5:h[t-1] | %0:h0 at t=0, %1:W)  here",
                 " %5:h  layer  x 2  [1, 2]  tanh(%4)                                here",
                 " %6:J              [1]     sum(%5:h at t=1; axis 1)                here"}));
}

TEST_CASE("text: folded, a loop that reads from the end has its states from the step behind") {
    Tape<double> tape;
    Var<double> h = input(vector({1})).named("h0");
    for (std::size_t t = 9; t > 0; t -= 3) {
        const LabelScope<double> step(t);
        h = exp(h);
    }
    CHECK(contains(to_text(fold(read_graph(tape))), "3 time steps, t=9 to 3\n"));
    CHECK(contains(to_text(fold(read_graph(tape))), "exp(%2[t+3] | %0:h0 at t=9)"));
}

TEST_CASE("text: ranges of values and cotangents, when they were read") {
    const std::string all = without_numbers(to_text(small_graph(true)));
    CHECK(contains(all, "%0:h0             [1, 2]  constant             here  value 0 .. 0.5; cotangent "));
    CHECK(contains(all, "value 0 .. 0.432; cotangent 1\n"));  // tanh(tanh(0.5))
    CHECK(contains(all, "value 0.432; cotangent 1\n"));
    constexpr double inf = std::numeric_limits<double>::infinity();
    Tape<double> tape;
    input(tensor({5}, {inf, 1, std::nan(""), -inf, 2}));
    input(tensor({2}, {std::nan(""), std::nan("")}));
    input(tensor({0, 3}, {}));
    input(tensor({2, 2, 2}, {0, 0, 0, 0, 0, std::nan(""), 0, 0}));
    const std::string odd = to_text(read_graph(tape, {.values = true}));
    CHECK(contains(odd, "value 1 .. 2, 1 NaN at [2], 2 infinite from [0] on\n"));
    CHECK(contains(odd, "value nothing finite, 2 NaN\n"));
    CHECK(contains(odd, "value empty\n"));
    CHECK(contains(odd, "value 0, 1 NaN at [1, 0, 1]\n"));
}

TEST_CASE("text: results have numbers, detached values a source, and many inputs are cut short") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    const auto [p, q] = map([](auto v) { return std::tuple{v * v, 5 * v}; }, x);
    detach(q);
    Operands<double> parts(std::vector<Var<double>>(9, p), CallSite::current());
    stack(parts);
    const std::string all = to_text(read_graph(tape));
    CHECK(contains(all, "  map(%0)  "));
    CHECK(contains(all, "  result(%1; 0)  "));
    CHECK(contains(all, "  result(%1; 1)  "));
    CHECK(contains(all, "  detach(%3)  "));
    CHECK(contains(all, "  stack(%2, %2, %2, %2, .. 4 more .., %2; axis 0)  "));
}
