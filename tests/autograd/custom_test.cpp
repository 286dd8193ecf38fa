#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>

#include <xtensor/xsort.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("custom: one call defines an operation, whose node has its name and the user's line") {
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    Tape<double> tape;
    const Var<double> x = input(vector({2, -1}));
    const LabelScope<double> label("layer");
    const auto line = std::to_string(CallSite::current().line() + 1);
    const Var<double> y = cube(x);
    CHECK(tape.describe(y.index()) == "cube (custom_test.cpp:" + line + ", layer)");
    check_close(y.value(), vector({8, -1}));
    check_close(gradient(sum(y), {x})[x], vector({12, 3}));
    Tape<float> coarse;
    check_close(as_double(cube(input(rounded<float>(vector({2})))).value()), vector({8}));
}

TEST_CASE("custom: arguments may be numbers, tensors and parameters") {
    const auto weighted = custom(
        "weighted", [](const auto& x, const auto& w) { return x * w; },
        [](const auto& g, const auto&, const auto&, const auto& w) { return g * w; },
        [](const auto& g, const auto&, const auto& x, const auto&) { return g * x; });
    Parameter<double> p("p", vector({3, 4}));
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    check_close(weighted(x, 5).value(), vector({5, 10}));
    check_close(weighted(x, vector({2, 3})).value(), vector({2, 6}));
    const auto g = gradient(sum(weighted(x, p)), {x, p});
    check_close(g[x], vector({3, 4}));
    check_close(g[p], vector({1, 2}));
    check_close(gradient(sum(weighted(x, 5) + weighted(p, x)), {p, x})[p], vector({1, 2}));
}

TEST_CASE("custom: a value that is written for tensors may use all of xtensor") {
    const auto sorted = custom(
        "sorted", [](const Tensor<double>& x) -> Tensor<double> { return xt::sort(x); },
        [](const auto& g, const auto&, const auto&) { return g; });
    Tape<double> tape;
    const Var<double> x = input(vector({3, 1, 2}));
    check_close(sorted(x).value(), vector({1, 2, 3}));
    CHECK(gradient(sum(sorted(x)), {x})[x].size() == 3);
}

TEST_CASE("custom: a rule that takes arrays alone serves the first order, and says so at the second") {
    const auto square_of = custom(
        "square_of", [](const Array<double>& x) { return x * x; },
        [](const Array<double>& g, const Array<double>&, const Array<double>& x) { return 2 * g * x; });
    Tape<double> tape;
    const Var<double> x = input(vector({3}));
    const Var<double> y = square_of(x);
    check_close(gradient(y, {x})[x], vector({6}));
    const std::size_t size = tape.size();
    const std::string text = text_of<std::logic_error>([&] { gradient_graph(y, {x}); });
    CHECK(contains(text, "square_of (custom_test.cpp:"));
    CHECK(contains(text, "takes no Var"));
    CHECK(tape.size() == size);
}

TEST_CASE("custom: a rule that returns a wrong shape is named, with both shapes") {
    const auto wrong = custom(
        "wrong", [](const auto& x) { return 2 * x; },
        [](const Array<double>&, const Array<double>&, const Array<double>&) {
            return Array<double>::filled({5}, 1);
        });
    const auto wrong_recorded = custom(
        "wrong", [](const auto& x) { return 2 * x; },
        [](const Var<double>&, const Var<double>&, const Var<double>& x) {
            return concatenate({x, x}, 0);
        });
    Tape<double> tape;
    const Var<double> x = input(filled({2, 3}, 1)).named("x");
    const std::string text = text_of<std::logic_error>([&] { gradient(sum(wrong(x)), {x}); });
    CHECK(contains(text, "gradient: a rule of wrong (custom_test.cpp:"));
    CHECK(contains(text, "'x'"));
    CHECK(contains(text, "[2, 3]"));
    CHECK(contains(text, "[5]"));
    const std::string recorded =
        text_of<std::logic_error>([&] { gradient_graph(sum(wrong_recorded(x)), {x}); });
    CHECK(contains(recorded, "a rule of wrong (custom_test.cpp:"));
    CHECK(contains(recorded, "[4, 3]"));
}

TEST_CASE("custom: when its value throws, nothing is recorded, and the error says where") {
    const auto sum_of = custom(
        "sum_of", [](const auto& a, const auto& b) { return a + b; },
        [](const auto& g, const auto&, const auto&, const auto&) { return g; },
        [](const auto& g, const auto&, const auto&, const auto&) { return g; });
    const auto failing = custom(
        "failing",
        [](const Tensor<double>& x) -> Tensor<double> {
            if (x.size() > 1) throw std::runtime_error("no");
            return x;
        },
        [](const auto& g, const auto&, const auto&) { return g; });
    Parameter<double> p("p", vector({1, 2, 3}));
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    const std::size_t size = tape.size();
    const auto line = std::to_string(CallSite::current().line() + 1);
    const std::string text = text_of<std::invalid_argument>([&] { sum_of(x, p); });
    CHECK(text.starts_with("sum_of: add: a is [2] and b is [3]"));
    CHECK(contains(text, "(custom_test.cpp:" + line + ")"));
    CHECK(tape.size() == size);
    CHECK(tape.find(p.storage().get()) == nullptr);
    CHECK_THROWS_AS(failing(x), std::runtime_error);
    CHECK(tape.size() == size);
    check_close(gradient(sum(p * 1), {p})[p], vector({1, 1, 1}));
}

TEST_CASE("custom: a rule may return the cotangent itself, an argument or a product") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2, 3}));
    const auto same = custom(
        "same", [](const auto& v) { return 1 * v; },
        [](const auto& g, const auto&, const auto&) { return g; });
    const auto half_square = custom(
        "half_square", [](const auto& v) { return 0.5 * v * v; },
        [](const auto&, const auto&, const auto& v) { return v; });
    const Var<double> y = same(x);
    const auto g = gradient(sum(y * y) + sum(half_square(x)) + sum(x), {x, y});
    check_close(g[y], vector({2, 4, 6}));
    check_close(g[x], vector({4, 7, 10}));
    check_same_bits(x.value(), vector({1, 2, 3}));
}

TEST_CASE("custom: a rule that records on the tape that is swept, however much") {
    Tape<double> tape;
    const auto much = [](const Var<double>& x) {
        Var<double> y = x;
        for (int k = 0; k < 600; ++k) y = y + x;
        return y.value();
    };
    const Var<double> x = input(vector({1, 2, 3}));
    const auto recording = custom(
        "recording", [](const auto& v) { return 2.0 * v; },
        [&](const auto& g, const auto&, const auto&) {
            check_close(much(x), vector({601, 1202, 1803}));
            return 2.0 * g;
        });
    Var<double> y = x;
    for (int k = 0; k < 5; ++k) {
        const std::vector<Var<double>> parts = unstack(recording(y));
        y = stack(parts) + map([](auto a, auto b) { return a * b; }, y, x * 0);
    }
    check_close(gradient(sum(y), {x})[x], vector({32, 32, 32}));
    check_close(gradient_graph(sum(y), {x})[x].value(), vector({32, 32, 32}));
}

TEST_CASE("map: a function that records while it is differentiated") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2, 3}));
    const Var<double> c = input(vector({0.5}));
    const auto recording = [c](auto a, auto b) {
        Var<double> sum_of = c;
        for (int k = 0; k < 600; ++k) sum_of = sum_of + c;
        return a * b * sum_of.item();
    };
    const Var<double> column = input(filled({4, 1}, 1));
    const Var<double> y = map(recording, x, column);
    check_close(gradient(sum(y), {x, column})[x], filled({3}, 4 * 300.5));
    check_close(gradient(sum(y), {x, column})[column], filled({4, 1}, 6 * 300.5));
}
