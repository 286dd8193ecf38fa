#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/watch.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class F>
NonFinite::Details anomaly(F&& f, std::string* text = nullptr) {
    try {
        f();
    } catch (const NonFinite& error) {
        if (text != nullptr) *text = error.what();
        return error.details();
    }
    FAIL("nothing was thrown");
    return {};
}

}  // namespace

TEST_CASE("watch: the first value that is not finite stops, and the error says where") {
    Tape<double> tape({.fuse = true, .watch = true});
    Parameter<double> W("W", vector({1, 0, 4}));
    const LabelScope<double> layer("encoder");
    const LabelScope<double> step(std::size_t(3));
    const Var<double> x = input(vector({0.5, -1, 2}));
    std::string text;
    std::size_t before = 0;
    std::uint32_t line = 0;
    const auto details = anomaly(
        [&] {
            const Var<double> y = x * W;
            before = tape.size();
            line = CallSite::current().line() + 1;
            const Var<double> z = y / W;
            static_cast<void>(exp(z));
        },
        &text);
    CHECK(details.forward);
    CHECK(details.operation == "divide");
    CHECK(details.label == "encoder/t=3");
    CHECK(details.line == line);
    CHECK(details.file.ends_with("watch_test.cpp"));
    CHECK(details.result.nan == 1);
    REQUIRE(details.inputs.size() == 2);
    CHECK(details.inputs[1].min == 0);
    CHECK(details.inputs[1].max == 4);
    CHECK(details.inputs[1].shape == Shape{3});
    CHECK(tape.size() == before);  // it was taken back
    for (const std::string& part :
         {std::string("divide"), "watch_test.cpp:" + std::to_string(line), std::string("encoder/t=3"),
          std::string("1 NaN"), std::string("parameter 'W'"), std::string("0 to 4")})
        CHECK_MESSAGE(contains(text, part), text);
}

TEST_CASE("watch: an infinity that was given on purpose passes, a NaN does not") {
    Tape<double> tape({.fuse = true, .watch = true});
    const Var<double> mask = input(vector({0, -infinity}));
    check_close(softmax(mask + input(vector({1, 2}))).value(), vector({1, 0}));
    CHECK(anomaly([&] { input(vector({1, not_a_number})); }).operation == "constant");
    CHECK(anomaly([&] { exp(input(vector({1, 1000}))); }).result.infinite == 1);
    CHECK(anomaly([&] { log(0.0 * input(vector({1, 2}))); }).result.infinite == 2);
    CHECK(anomaly([&] { mask - mask; }).result.nan == 1);
}

TEST_CASE("watch: one of several results, a custom operation and a recorded rule are watched too") {
    Tape<double> tape({.fuse = true, .watch = true});
    const Var<double> x = input(vector({-1, 2}));
    const std::size_t before = tape.size();
    const auto details = anomaly([&] { map([](auto v) { return std::tuple{v * v, log(v)}; }, x); });
    CHECK(details.operation == "map");
    CHECK(details.inputs.at(0).min == -1);
    CHECK(tape.size() == before);
    const auto root = custom(
        "root", [](const auto& v) { return sqrt(v); },
        [](const auto& g, const auto& y, const auto&) { return g / (2 * y); });
    CHECK(anomaly([&] { root(x); }).operation == "root");
}

TEST_CASE("watch: a parameter that is not finite is named, and an operation named as one of ours is itself") {
    Tape<double> tape({.fuse = true, .watch = true});
    Parameter<double> W("W", vector({1, not_a_number}));
    const Var<double> x = input(vector({-1, 2}));
    CHECK(anomaly([&] { static_cast<void>(exp(W)); }).operation == "parameter 'W'");
    const auto result = custom(
        "result", [](const auto& v) { return sqrt(v); },
        [](const auto& g, const auto& y, const auto&) { return g / (2 * y); });
    const Var<double> y = 1 * x;
    CHECK(anomaly([&] { result(y); }).operation == "result");
}

TEST_CASE("watch: the first cotangent that is not finite stops, and names the operation whose rule it is") {
    Tape<double> tape({.fuse = true, .watch = true});
    const Var<double> x = input(vector({0, 4}));
    Var<double> J;
    std::uint32_t line = 0;
    {
        const LabelScope<double> step(std::size_t(7));
        line = CallSite::current().line() + 1;
        J = sum(sqrt(x) * 3);
    }
    const auto details = anomaly([&] { gradient(J, {x}); });
    CHECK(!details.forward);
    CHECK(details.operation == "sqrt");
    CHECK(details.label == "t=7");
    CHECK(details.line == line);
    CHECK(details.result.infinite == 1);
    CHECK(details.inputs.at(0).min == 0);
    CHECK(contains(details.inputs.back().name, "cotangent of its result"));
    CHECK(details.inputs.back().max == 3);
    std::string text;
    anomaly([&] { gradient_graph(J, {x}); }, &text);
    CHECK_MESSAGE(contains(text, "a rule of sqrt"), text);
    CHECK_MESSAGE(contains(text, "t=7"), text);
}

TEST_CASE("watch: a product that waited for company is seen when its turn comes") {
    Tape<double> tape({.fuse = true, .watch = true});
    Parameter<double> W("W", filled({2, 2}, 1e-200));
    const Var<double> x = input(filled({3, 2}, 1e200));
    const Var<double> J = sum(matmul(x, W)) * 1e150;
    const auto details = anomaly([&] { gradient(J, {W}); });
    CHECK(!details.forward);
    CHECK(details.operation == "parameter 'W'");
    CHECK(details.result.infinite == 4);
}

TEST_CASE("watch: a scope watches the current tape, and nothing is watched otherwise") {
    Tape<double> tape;
    const Var<double> x = input(vector({1000}));
    CHECK(exp(x).item() == infinity);
    {
        const Watch<double> watch;
        CHECK(anomaly([&] { exp(x); }).operation == "exp");
        const Watch<double> again;
    }
    CHECK(exp(x).item() == infinity);
    Tape<float> coarse({.fuse = true, .watch = true});
    CHECK_THROWS_AS(exp(input(rounded<float>(vector({100})))), NonFinite);
}

TEST_CASE("watch: the padding of a pool, which is below all elements, is no infinity of the user's") {
    Tape<double> tape({.watch = true});
    const Var<double> x = input(test::tensor({1, 1, 3}, {1, -2, 3}));
    const Var<double> y = max_pool1d(x, 2, {.stride = 1, .padding = 1});
    CHECK(test::difference_in_bits(y.value(), test::tensor({1, 1, 4}, {1, 1, 3, 3})).empty());
    CHECK(test::difference_in_bits(gradient(sum(y), {x})[x], test::tensor({1, 1, 3}, {2, 0, 2})).empty());
    CHECK_THROWS_AS(max_pool1d(exp(x * 1000), 2, {.padding = 1}), NonFinite);
}
