#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/elementwise.hpp>
#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/reduce.hpp>

#include <array>
#include <cmath>

// Elementwise functions of the user's own.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

struct Softsign {
    static constexpr std::string_view name = "softsign";
    static constexpr Description description{.equation = "y = x / (1 + |x|)",
                                             .rules = {{"x", "g / (1 + |x|)²"}},
                                             .kind = OperationKind::activation,
                                             .limits = {-1, 1}};
    static auto value(const auto& x) { return x / (1 + abs(x)); }
    static auto slope(const auto&, const auto& x) { return 1 / square(1 + abs(x)); }
};
auto softsign(const auto& x) { return elementwise(Softsign{}, x); }

struct Power {
    static constexpr std::string_view name = "whole_power";
    double exponent = 2;
    void check() const {
        if (!(exponent >= 1)) throw std::invalid_argument("whole_power: exponent must be at least 1");
    }
    auto value(const auto& x) const { return pow(x, exponent); }
    auto slope(const auto&, const auto& x) const { return exponent * pow(x, exponent - 1); }
};

struct Hypotenuse {
    static constexpr std::string_view name = "hypotenuse";
    static auto value(const auto& a, const auto& b) { return sqrt(a * a + b * b); }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto& y, const auto& a, const auto&) { return scale(g, a / y); },
            [](const auto& g, const auto& y, const auto&, const auto& b) { return scale(g, b / y); }};
    }
};

/// y, dJ/dx and d²J/dx² of J = Σ y.
template <class T>
std::array<Tensor<double>, 3> orders(const auto& f, const Tensor<T>& x) {
    Tape<T> tape;
    const Var<T> in = input(x);
    const Var<T> y = f(in);
    const Var<T> first = gradient_graph(sum(y), {in})[in];
    return {as_double(y.value()), as_double(first.value()), as_double(gradient(sum(first), {in})[in])};
}

}  // namespace

TEST_CASE_TEMPLATE("elementwise: a function of the user's has value and gradients of both orders", T, float,
                   double) {
    const Tensor<T> x = rounded<T>(vector({-2, 0.5, 3}));
    for (const bool in_map : {false, true}) {
        const auto [y, first, second] = orders<T>(
            [&](const Var<T>& v) {
                return in_map ? Var<T>(map([](auto a) { return softsign(a); }, v)) : softsign(v);
            },
            x);
        check_close(y, vector({-2.0 / 3, 1.0 / 3, 0.75}), 1e-6);
        check_close(first, vector({1.0 / 9, 1 / 2.25, 1.0 / 16}), 1e-6);
        check_close(second, vector({2.0 / 27, -2 / 3.375, -2.0 / 64}), 1e-6);
    }
}

TEST_CASE("elementwise: its arguments are whatever an operation takes") {
    Parameter<double> p("p", vector({3, -4}));
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    check_close(elementwise(Softsign{}, p).value(), vector({0.75, -0.8}));
    check_close(elementwise(Softsign{}, vector({1, -1}) + 0.0).value(), vector({0.5, -0.5}));
    const Var<double> y = elementwise(Hypotenuse{}, p, 3.0);
    check_close(y.value(), vector({std::sqrt(18.0), 5}));
    check_close(gradient(sum(y), {p})[p], vector({3 / std::sqrt(18.0), -0.8}));
    check_close(elementwise(Hypotenuse{}, x, vector({0, 0})).value(), vector({1, 2}));
    check_close(
        map([](auto a, auto b) { return elementwise(Hypotenuse{}, a, b) + elementwise(Power{3}, a); }, x, p)
            .value(),
        vector({std::sqrt(10.0) + 1, std::sqrt(20.0) + 8}));
    check_close(elementwise(Power{3}, x).value(), vector({1, 8}));
}

TEST_CASE("elementwise: on the arrays that a rule gets") {
    const auto twice = custom(
        "twice", [](const auto& x) { return elementwise(Softsign{}, elementwise(Softsign{}, x)); },
        [](const auto& g, const auto&, const auto& x) {
            return g * Softsign::slope(0, elementwise(Softsign{}, x)) * Softsign::slope(0, x);
        });
    Tape<double> tape;
    const Var<double> x = input(vector({1, -3}));
    check_close(twice(x).value(), vector({1.0 / 3, -0.75 / 1.75}));
    check_close(gradient(sum(twice(x)), {x})[x], vector({1 / 2.25 / 4, 1 / 3.0625 / 16}));
}

TEST_CASE("elementwise: errors have the caller's line, and its own check comes first") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    const auto line = std::to_string(CallSite::current().line() + 2);
    const std::string text = text_of<std::invalid_argument>([&] {
        elementwise(Hypotenuse{}, x, vector({1, 2, 3}));
    });
    for (const std::string& part : {std::string("hypotenuse: "), std::string("[2]"), std::string("[3]"),
                                    "elementwise_test.cpp:" + line})
        CHECK_MESSAGE(contains(text, part), text);
    const std::size_t before = tape.size();
    CHECK_THROWS_AS(elementwise(Power{0.5}, x), std::invalid_argument);
    CHECK(tape.size() == before);
}

TEST_CASE("elementwise: a node says what the function says") {
    Tape<double> tape;
    const Var<double> y = softsign(input(vector({1})));
    const Description& said = tape.node(y.index()).operation->description();
    CHECK(said.equation == "y = x / (1 + |x|)");
    CHECK(said.is_elementwise);
    CHECK(said.limits.any());
    CHECK(tape.node(elementwise(Power{}, y).index()).operation->description().equation.empty());
}
