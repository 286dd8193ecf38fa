#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <xtensor/xview.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

// Where a function has a kink, a tie, a pole or no room left: values, gradients and second derivatives there.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Derivatives {
    Tensor<double> value;
    Tensor<double> first;
    Tensor<double> second;
};

/// Returns the values of an elementwise function of T at these places.
template <class T, class F>
Derivatives derivatives(const std::vector<double>& places, F f) {
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(vector(places)));
    const Var<T> y = f(x);
    const Var<T> first = gradient_graph(sum(y), {x})[x];
    const Tensor<double> by_arrays = as_double(gradient(sum(y), {x})[x]);
    const std::string problem = difference(as_double(first.value()), by_arrays, 1e-6);
    CHECK_MESSAGE(problem.empty(), "recorded gradient: ", problem);
    return {as_double(y.value()), by_arrays, as_double(gradient(sum(first), {x})[x])};
}

template <class F>
Derivatives at_zero(F f) {
    return derivatives<double>({0, -0.0}, f);
}

}  // namespace

TEST_CASE("kinks: relu, abs, leaky_relu and elu at 0") {
    const auto relu_at = at_zero([](auto x) { return relu(x); });
    check_close(relu_at.first, vector({0, 0}));
    check_close(relu_at.second, vector({0, 0}));
    const auto abs_at = at_zero([](auto x) { return abs(x); });
    check_close(abs_at.value, vector({0, 0}));
    check_close(abs_at.first, vector({0, 0}));
    check_close(abs_at.second, vector({0, 0}));
    const auto leaky = at_zero([](auto x) { return leaky_relu(x, 0.25); });
    check_close(leaky.first, vector({0.25, 0.25}));
    check_close(leaky.second, vector({0, 0}));
    const auto elu_at = at_zero([](auto x) { return elu(x, 0.5); });
    check_close(elu_at.value, vector({0, 0}));
    check_close(elu_at.first, vector({0.5, 0.5}));
    check_close(elu_at.second, vector({0.5, 0.5}));
}

TEST_CASE("kinks: clip passes inside and on its bounds") {
    const auto d = derivatives<double>({-2, -1, 0, 1, 2, -inf, inf}, [](auto x) { return clip(x, -1, 1); });
    check_close(d.value, vector({-1, -1, 0, 1, 1, -1, 1}));
    check_close(d.first, vector({0, 1, 1, 1, 0, 0, 0}));
    check_close(d.second, filled({7}, 0));
    const auto point = derivatives<double>({1, 2, 3}, [](auto x) { return clip(x, 2, 2); });
    check_close(point.value, vector({2, 2, 2}));
    check_close(point.first, vector({0, 1, 0}));
    Tape<double> tape;
    const Var<double> x = input(vector({1}));
    CHECK_THROWS_AS(clip(x, 1, 0), std::invalid_argument);
    CHECK_THROWS_AS(clip(x, not_a_number, 0), std::invalid_argument);
}

TEST_CASE("kinks: sqrt at 0 has an infinite gradient, log a pole") {
    const auto root = at_zero([](auto x) { return sqrt(x); });
    CHECK(root.first[0] == inf);
    const auto logarithm = derivatives<double>({0, -1}, [](auto x) { return log(x); });
    CHECK(logarithm.value[0] == -inf);
    CHECK(std::isnan(logarithm.value[1]));
    CHECK(logarithm.first[0] == inf);
    const auto reciprocal = derivatives<double>({0}, [](auto x) { return 1 / x; });
    CHECK(reciprocal.value[0] == inf);
    CHECK(reciprocal.first[0] == -inf);
}

TEST_CASE("ties: maximum and minimum of equals give each half") {
    Tape<double> tape;
    const Var<double> a = input(vector({1, 2, 3, inf}));
    const Var<double> b = input(vector({3, 2, 1, inf}));
    const auto of_max = gradient(sum(maximum(a, b)), {a, b});
    check_close(of_max[a], vector({0, 0.5, 1, 0.5}));
    check_close(of_max[b], vector({1, 0.5, 0, 0.5}));
    const auto of_min = gradient(sum(minimum(a, b)), {a, b});
    check_close(of_min[a], vector({1, 0.5, 0, 0.5}));
    check_close(of_min[b], vector({0, 0.5, 1, 0.5}));
    const auto recorded = gradient_graph(sum(maximum(a, b)), {a, b});
    check_close(recorded[a].value(), of_max[a]);
    check_close(recorded[b].value(), of_max[b]);
}

TEST_CASE("ties: comparisons are exact and pass nothing on") {
    Tape<double> tape;
    const Var<double> a = input(vector({1, 2, 3, not_a_number}));
    const Var<double> b = input(vector({2, 2, 2, 2}));
    check_same_bits((a < b).value(), vector({1, 0, 0, 0}));
    check_same_bits((a <= b).value(), vector({1, 1, 0, 0}));
    check_same_bits((a > b).value(), vector({0, 0, 1, 0}));
    check_same_bits((a >= b).value(), vector({0, 1, 1, 0}));
    check_same_bits(equal(a, b).value(), vector({0, 1, 0, 0}));
    check_same_bits(equal(a, a).value(), vector({1, 1, 1, 0}));
    const auto g = gradient(sum((a < b) * 7), {a, b});
    check_same_bits(g[a], filled({4}, 0));
}

TEST_CASE("powers: at exponent 0 the slope in the base changes with the exponent") {
    const auto mixed = [](const auto& power) {
        Tape<double> tape;
        const Var<double> x = input(vector({2, 0.5, 0, 5e-324}));
        const Var<double> p = input(vector({0, 0, 0, 0}));
        const auto first = gradient_graph(sum(power(x, p)), {x});
        return std::pair{first[x].value(), gradient(sum(first[x]), {p})[p]};
    };
    const auto plain = mixed([](const auto& x, const auto& p) { return pow(x, p); });
    const auto mapped = mixed(
        [](const auto& x, const auto& p) { return map([](auto a, auto b) { return pow(a, b); }, x, p); });
    for (const auto& [slope, change] : {plain, mapped}) {
        check_close(slope, vector({0, 0, 0, 0}));
        CHECK(change.data()[0] == 0.5);
        CHECK(change.data()[1] == 2);
        CHECK(change.data()[2] == 0);
    }
}

TEST_CASE("powers: 0^0 is 1 with gradient 0 in the base") {
    const auto zeroth = at_zero([](auto x) { return pow(x, 0); });
    check_close(zeroth.value, vector({1, 1}));
    check_close(zeroth.first, vector({0, 0}));
    check_close(zeroth.second, vector({0, 0}));
    const auto square_at = at_zero([](auto x) { return pow(x, 2); });
    check_close(square_at.value, vector({0, 0}));
    check_close(square_at.first, vector({0, 0}));
    check_close(square_at.second, vector({2, 2}));
    const auto identity_at = at_zero([](auto x) { return pow(x, 1); });
    check_close(identity_at.first, vector({1, 1}));
    check_close(identity_at.second, vector({0, 0}));
    const auto root = derivatives<double>({0}, [](auto x) { return pow(x, 0.5); });
    CHECK(root.value[0] == 0);
    CHECK(root.first[0] == inf);
}

TEST_CASE("powers: a negative base with an integer exponent") {
    const auto cube = derivatives<double>({-2, -0.5}, [](auto x) { return pow(x, 3); });
    check_close(cube.value, vector({-8, -0.125}));
    check_close(cube.first, vector({12, 0.75}));
    check_close(cube.second, vector({-12, -3}));
    const auto inverse = derivatives<double>({-2, -0.5}, [](auto x) { return pow(x, -1); });
    check_close(inverse.first, vector({-0.25, -4}));
    CHECK(std::isnan(derivatives<double>({-2}, [](auto x) { return pow(x, 0.5); }).value[0]));
}

TEST_CASE("powers: 0 to a variable power has gradient 0 in the exponent") {
    Tape<double> tape;
    const Var<double> base = input(vector({0, 0, 2}));
    const Var<double> p = input(vector({2, 0.5, 3}));
    const auto g = gradient(sum(pow(base, p)), {p});
    check_close(g[p], vector({0, 0, 8 * std::log(2.0)}));
    const auto graph = gradient_graph(sum(pow(base, p)), {p});
    check_close(graph[p].value(), g[p]);
}

TEST_CASE("where: the branch that was not taken does not leak") {
    const auto check = [](auto f, const std::vector<double>& places, const Tensor<double>& value,
                          const Tensor<double>& first, const Tensor<double>& second) {
        const auto d = derivatives<double>(places, f);
        check_close(d.value, value);
        check_close(d.first, first);
        check_close(d.second, second);
    };
    check([](auto x) { return where(x > 0, sqrt(x), x); }, {-1, 0, 4}, vector({-1, 0, 2}),
          vector({1, 1, 0.25}), vector({0, 0, -1.0 / 32}));
    check([](auto x) { return where(x > 0, log(x), 0); }, {-1, 0, 2}, vector({0, 0, std::log(2.0)}),
          vector({0, 0, 0.5}), vector({0, 0, -0.25}));
    check([](auto x) { return where(equal(x, 0), 1, sin(x) / x); }, {0}, vector({1}), vector({0}),
          vector({0}));
    check([](auto x) { return where(x < 1, x, exp(x * 1000)); }, {0.5, 0}, vector({0.5, 0}), vector({1, 1}),
          vector({0, 0}));
    check([](auto x) { return where(x < 1000, x * x, exp(x * x)); }, {100}, vector({10000}), vector({200}),
          vector({2}));
    check([](auto x) { return where(x > 0, x, pow(-x, 0.5)); }, {2}, vector({2}), vector({1}), vector({0}));
    check([](auto x) { return where(x > 0, x, 1 / (x - x)); }, {2}, vector({2}), vector({1}), vector({0}));
    check([](auto x) { return where(x > 0, x, sum(log(-x))); }, {2}, vector({2}), vector({1}), vector({0}));
}

TEST_CASE("where: any condition but 0 counts, and gets no gradient") {
    Tape<double> tape;
    const Var<double> c = input(vector({-3, 0, 0.5, not_a_number, -0.0}));
    const Var<double> a = input(vector({1, 2, 3, 4, 5}));
    const Var<double> y = where(c, a, -a);
    check_close(y.value(), vector({1, -2, 3, 4, -5}));
    const auto g = gradient(sum(y), {c, a});
    check_close(g[c], filled({5}, 0));
    check_close(g[a], vector({1, -1, 1, 1, -1}));
}

TEST_CASE_TEMPLATE("far out: sigmoid, tanh and softplus are finite, with the right limits", T, float,
                   double) {
    const auto s = derivatives<T>({-800, 800, -40, 40}, [](auto x) { return sigmoid(x); });
    CHECK(s.value[0] == 0);
    CHECK(s.value[1] == 1);
    CHECK(s.value[2] == doctest::Approx(std::exp(-40)).epsilon(1e-5));
    CHECK(s.first[2] == doctest::Approx(std::exp(-40)).epsilon(1e-5));
    check_close(s.first, vector({0, 0, std::exp(-40), 0}), 1e-5);
    check_close(s.second, vector({0, 0, std::exp(-40), 0}), 1e-5);
    const auto t = derivatives<T>({-800, 800}, [](auto x) { return tanh(x); });
    check_close(t.value, vector({-1, 1}));
    check_close(t.first, vector({0, 0}));
    check_close(t.second, vector({0, 0}));
    const auto p = derivatives<T>({-800, 800, -40}, [](auto x) { return softplus(x); });
    CHECK(p.value[0] == 0);
    CHECK(p.value[1] == 800);
    CHECK(p.value[2] == doctest::Approx(std::exp(-40)).epsilon(1e-5));
    check_close(p.first, vector({0, 1, std::exp(-40)}), 1e-5);
    check_close(p.second, vector({0, 0, std::exp(-40)}), 1e-5);
    const auto e = derivatives<T>({-800, 800}, [](auto x) { return elu(x); });
    check_close(e.value, vector({-1, 800}));
    check_close(e.first, vector({0, 1}));
    check_close(e.second, vector({0, 0}));
}

TEST_CASE("small: expm1, log1p and softplus keep their digits") {
    const auto e = derivatives<double>({1e-12, -1e-300}, [](auto x) { return expm1(x); });
    CHECK(e.value[0] == doctest::Approx(1e-12).epsilon(1e-14));
    CHECK(e.value[1] == doctest::Approx(-1e-300).epsilon(1e-14));
    const auto l = derivatives<double>({1e-12, -1e-300}, [](auto x) { return log1p(x); });
    CHECK(l.value[0] == doctest::Approx(1e-12).epsilon(1e-11));
    CHECK(l.value[1] == doctest::Approx(-1e-300).epsilon(1e-14));
}

TEST_CASE_TEMPLATE("NaN: no elementwise function turns it into a number", T, float, double) {
    using V = const Var<T>&;
    const auto check = [](const char* name, auto f) {
        CAPTURE(name);
        const auto d = derivatives<T>({not_a_number, 0.5}, f);
        CHECK(std::isnan(d.value[0]));
        CHECK(std::isnan(d.first[0]));
        CHECK(!std::isnan(d.value[1]));
        CHECK(!std::isnan(d.first[1]));
    };
    check("exp", [](V x) { return exp(x); });
    check("log", [](V x) { return log(x); });
    check("expm1", [](V x) { return expm1(x); });
    check("log1p", [](V x) { return log1p(x); });
    check("sqrt", [](V x) { return sqrt(x); });
    check("square", [](V x) { return square(x); });
    check("abs", [](V x) { return abs(x); });
    check("sin", [](V x) { return sin(x); });
    check("cos", [](V x) { return cos(x); });
    check("tanh", [](V x) { return tanh(x); });
    check("sigmoid", [](V x) { return sigmoid(x); });
    check("softplus", [](V x) { return softplus(x); });
    check("relu", [](V x) { return relu(x); });
    check("leaky_relu", [](V x) { return leaky_relu(x); });
    check("elu", [](V x) { return elu(x); });
    check("clip", [](V x) { return clip(x, 0, 1); });
    check("pow", [](V x) { return pow(x, 2.5); });
    check("maximum", [](V x) { return maximum(x, 0); });
    check("minimum", [](V x) { return minimum(1, x); });
    check("maximum of NaN and a number", [](V x) { return x * maximum(0, x); });

    Tape<T> tape;
    const Var<T> one = input(rounded<T>(vector({1})));
    CHECK(std::isnan(maximum(one, not_a_number).item()));
    CHECK(std::isnan(minimum(not_a_number, one).item()));
    CHECK(std::isnan(pow(one * not_a_number, 3).item()));
}

TEST_CASE("zero sizes: (4, 0) and (4, 1) give nothing, and zeros for what was broadcast") {
    Tape<double> tape;
    const Var<double> a = input(filled({4, 0}, 0));
    const Var<double> b = input(filled({4, 1}, 3));
    const Var<double> y = a * b + b;
    CHECK(y.shape() == Shape{4, 0});
    const auto g = gradient(sum(y), {a, b});
    check_same_bits(g[b], filled({4, 1}, 0));
    CHECK(shape_of(g[a]) == Shape{4, 0});
    const auto graph = gradient_graph(sum(y), {a, b});
    check_same_bits(graph[b].value(), filled({4, 1}, 0));
}

TEST_CASE("broadcasting: up to eight axes, and no further") {
    Tape<double> tape;
    const Var<double> a = input(filled({2, 1, 2, 1, 2, 1, 2, 1}, 1));
    const Var<double> b = input(filled({1, 2, 1, 2, 1, 2, 1, 2}, 2));
    const Var<double> y = a * b;
    CHECK(y.shape() == Shape{2, 2, 2, 2, 2, 2, 2, 2});
    const auto g = gradient(sum(y), {a, b});
    check_close(g[a], filled({2, 1, 2, 1, 2, 1, 2, 1}, 32));
    check_close(g[b], filled({1, 2, 1, 2, 1, 2, 1, 2}, 16));
    CHECK_THROWS_AS(Shape::of(std::vector<std::size_t>(9, 1)), std::invalid_argument);
}

TEST_CASE("rounding: halves go to the even integer, infinities and NaN stay") {
    Tape<double> tape;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Var<double> x = input(vector({-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 1e20, infinity}));
    check_close(round(x).value(), vector({-2, -2, 0, 0, 2, 2, 1e20, infinity}));
    check_close(floor(x).value(), vector({-3, -2, -1, 0, 1, 2, 1e20, infinity}));
    check_close(ceil(x).value(), vector({-2, -1, 0, 1, 2, 3, 1e20, infinity}));
    check_close(sign(x).value(), vector({-1, -1, -1, 1, 1, 1, 1, 1}));
    CHECK(sign(input(vector({0}))).value()[0] == 0);
    const Var<double> nan = input(vector({std::nan("")}));
    for (const Var<double>& y : {round(nan), floor(nan), ceil(nan), sign(nan)})
        CHECK(std::isnan(y.value()[0]));
    check_close(gradient(sum(round(x) + floor(x) + ceil(x) + sign(x)), {x})[x], filled({8}, 0));
    const auto stepped = [](auto a) { return a * floor(a) + sign(a); };
    const Var<double> z = input(vector({1.5, -0.5}));
    check_close(gradient(sum(map(stepped, z)), {z})[z], vector({1, -1}));
}

TEST_CASE("mod: the exact remainder with the sign of the divisor") {
    Tape<double> tape;
    const Var<double> a = input(vector({-1, 1, 5.5, -5.5, 1, 6, 7}));
    const Var<double> b = input(vector({3, -3, 2, 2, 0.1, -3, 0}));
    const Tensor<double> y = mod(a, b).value();
    check_close(xt::view(y, xt::range(0, 6)), vector({2, -2, 1.5, 0.5, std::fmod(1.0, 0.1), 0}));
    CHECK(std::signbit(y[5]));
    CHECK(std::isnan(y[6]));
    const auto g = gradient(sum(mod(a, b)), {a, b});
    check_close(xt::view(g[a], xt::range(0, 6)), filled({6}, 1));
    // 1 / 0.1 is 10 once it is rounded, but 0.1 goes into 1 nine times.
    check_close(xt::view(g[b], xt::range(0, 6)), vector({1, 1, -2, 3, -9, 2}));
}

TEST_CASE("activations: finite values and slopes far out, and their limits at infinity") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto values_and_slopes = [&]<class T>(const auto& f, T) {
        Tape<T> tape;
        const Var<T> x = input(rounded<T>(vector({-infinity, -1e4, -800, -90, 0, 60, 800, 1e4, infinity})));
        const Var<T> y = f(x);
        return std::pair{as_double(y.value()), as_double(gradient(sum(y), {x})[x])};
    };
    const auto check = [&](auto type) {
        const Tensor<double> like_relu = vector({0, 0, 0, 0, 0, 60, 800, 1e4, infinity});
        const Tensor<double> step = vector({0, 0, 0, 0, 0.5, 1, 1, 1, 1});
        const auto gelus = values_and_slopes([](const auto& x) { return gelu(x); }, type);
        check_close(gelus.first, like_relu, 1e-30);
        check_close(gelus.second, step, 1e-30);
        const auto silus = values_and_slopes([](const auto& x) { return silu(x); }, type);
        check_close(silus.first, like_relu, 1e-30);
        check_close(silus.second, step, 1e-30);
        const auto logs = values_and_slopes([](const auto& x) { return log_sigmoid(x); }, type);
        check_close(logs.first, vector({-infinity, -1e4, -800, -90, -std::log(2.0), 0, 0, 0, 0}), 1e-7);
        check_close(logs.second, vector({1, 1, 1, 1, 0.5, 0, 0, 0, 0}), 1e-7);
        const auto hard = values_and_slopes([](const auto& x) { return hard_sigmoid(x); }, type);
        check_close(hard.first, vector({0, 0, 0, 0, 0.5, 1, 1, 1, 1}));
        check_close(hard.second, vector({0, 0, 0, 0, 1.0 / 6, 0, 0, 0, 0}), 1e-7);
    };
    check(float());
    check(double());
}

TEST_CASE("error function: within a few last places of long double's") {
    const auto worst = []<class T>(const auto& f, long double (*exact)(long double), T low, T high) {
        Tape<T> tape;
        Tensor<T> x = tapeloop::detail::uninitialised<T>({4001});
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] = low + (high - low) * static_cast<T>(i) / static_cast<T>(x.size() - 1);
        const Tensor<T> y = f(input(x)).value();
        long double most = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const long double wanted = exact(static_cast<long double>(x[i]));
            most =
                std::max(most, std::abs(static_cast<long double>(y[i]) - wanted) / std::abs(wanted + 1e-30L));
        }
        return static_cast<double>(most / static_cast<long double>(std::numeric_limits<T>::epsilon()));
    };
    const auto check = [&](auto zero) {
        using T = decltype(zero);
        CHECK(worst([](const auto& x) { return erf(x); }, std::erf, T(0.001), T(5)) < 2);
        CHECK(worst([](const auto& x) { return erfc(x); }, std::erfc, T(-5), T(8)) < 4);
    };
    check(float());
    check(double());
}
