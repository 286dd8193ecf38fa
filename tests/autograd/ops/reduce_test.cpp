#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/prod.hpp>
#include <autograd/ops/reduce.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("max: equal maxima share the gradient evenly") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 0, 1, 0, 1}));
    check_close(gradient(max(x) * 3, {x})[x], vector({1, 0, 1, 0, 1}));
    check_close(gradient(min(x) * 3, {x})[x], vector({0, 1.5, 0, 1.5, 0}));
    check_close(gradient_graph(max(x) * 3, {x})[x].value(), vector({1, 0, 1, 0, 1}));
    const Var<double> rows = input(tensor({2, 3}, {2, 2, 1, 5, 6, 6}));
    const auto g = gradient(std::vector<GradientRoot<double>>{{max(rows, 1), vector({1, 10})}}, {rows});
    check_close(g[rows], tensor({2, 3}, {0.5, 0.5, 0, 0, 5, 5}));
    // In a row of several registers, too.
    const Var<double> ones = input(filled({77}, 1));
    check_close(gradient(max(ones), {ones})[ones], filled({77}, 1.0 / 77));
}

TEST_CASE("max: of infinities, and NaN wherever it stands") {
    Tape<double> tape;
    CHECK(max(input(vector({-inf, -inf}))).item() == -inf);
    CHECK(min(input(vector({inf, inf}))).item() == inf);
    for (std::size_t place : {0U, 3U, 8U, 31U, 39U, 40U}) {
        CAPTURE(place);
        Tensor<double> value = filled({41}, 1);
        value[place] = not_a_number;
        const Var<double> x = input(value);
        CHECK(std::isnan(max(x).item()));
        CHECK(std::isnan(min(x).item()));
        CHECK(std::isnan(sum(x).item()));
        CHECK(std::isnan(mean(x).item()));
        CHECK(std::isnan(variance(x).item()));
        CHECK(std::isnan(norm(x).item()));
        CHECK(std::isnan(logsumexp(x).item()));
        CHECK(std::isnan(softmax(x).value()[0]));
        CHECK(std::isnan(gradient(max(x), {x})[x][place]));
        const Tensor<double> g = gradient(logsumexp(x), {x})[x];
        CHECK(std::isnan(g[place]));
    }
}

TEST_CASE("reductions: over nothing") {
    Tape<double> tape;
    const Var<double> x = input(filled({3, 0}, 0));
    CHECK(sum(x).item() == 0);
    check_same_bits(sum(x, 1).value(), filled({3}, 0));
    check_same_bits(norm(x, 1).value(), filled({3}, 0));
    check_same_bits(logsumexp(x, 1).value(), filled({3}, -inf));
    CHECK(shape_of(gradient(sum(logsumexp(x, 1)), {x})[x]) == Shape{3, 0});
    CHECK(shape_of(gradient(sum(norm(x, 1)), {x})[x]) == Shape{3, 0});
    const std::size_t size = tape.size();
    for (const auto& [name, call] :
         {std::pair<std::string, std::function<Var<double>()>>{"mean", [&] { return mean(x); }},
          {"max", [&] { return max(x, 1); }},
          {"min", [&] { return min(x, -1); }},
          {"variance", [&] { return variance(x); }}})
        CHECK(contains(text_of<std::invalid_argument>(call), name + ": over no elements, x is [3, 0]"));
    CHECK(tape.size() == size);
    // Along the other axis there is something, only no results.
    CHECK(mean(x, 0).shape() == Shape{0});
    CHECK(max(x, 0, true).shape() == Shape{1, 0});
}

TEST_CASE("reductions: every axis, several, negative, keepdims") {
    Tape<double> tape;
    const Var<double> x = input(filled({2, 3, 4}, 1));
    CHECK(sum(x).shape() == Shape{});
    CHECK(sum(x, {}, true).shape() == Shape{1, 1, 1});
    CHECK(sum(x, {0, 1, 2}).shape() == Shape{});
    CHECK(sum(x, {-1, 0}).shape() == Shape{3});
    CHECK(sum(x, {-1, 0}, true).shape() == Shape{1, 3, 1});
    CHECK(sum(x, 1).shape() == Shape{2, 4});
    CHECK(text_of<std::invalid_argument>([&] {
              sum(x, 3);
          }).starts_with("sum: axis 3 of a tensor with 3 axes; axes count from 0, or from -1 at the end"));
    CHECK_THROWS_AS(sum(x, -4), std::invalid_argument);
    CHECK_THROWS_AS(mean(x, {2, -1}), std::invalid_argument);
    CHECK_THROWS_AS(softmax(x, 3), std::invalid_argument);
    CHECK_THROWS_AS(log_softmax(x, -4), std::invalid_argument);
    CHECK_THROWS_AS(Axes(1000), std::invalid_argument);
    CHECK_THROWS_AS(Axes({0, 1, 2, 3, 4, 5, 6, 7, 8}), std::invalid_argument);
}

TEST_CASE("norm: its gradient at 0 is 0, and it does not leak there") {
    Tape<double> tape;
    const Var<double> x = input(tensor({2, 2}, {0, 0, 3, 4}));
    const Var<double> first = gradient_graph(sum(norm(x, 1)), {x})[x];
    check_close(gradient(sum(norm(x, 1)), {x})[x], tensor({2, 2}, {0, 0, 0.6, 0.8}));
    check_close(first.value(), tensor({2, 2}, {0, 0, 0.6, 0.8}));
    check_close(gradient(sum(first), {x})[x],
                tensor({2, 2}, {0, 0, (1 - 0.6 * 0.6 - 0.6 * 0.8) / 5, (1 - 0.8 * 0.8 - 0.6 * 0.8) / 5}));
}

TEST_CASE_TEMPLATE("logsumexp: far out it is finite, of -inf alone it is -inf with gradient 0", T, float,
                   double) {
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(tensor({5, 3}, {800, 800, -800,    //
                                                      -800, -800, -800,  //
                                                      -inf, -inf, -inf,  //
                                                      -inf, 2, -inf,     //
                                                      inf, 0, 1})));
    const Var<T> y = logsumexp(x, 1);
    check_close(as_double(y.value()), vector({800 + std::log(2.0), -800 + std::log(3.0), -inf, 2, inf}),
                1e-6);
    const Tensor<double> g =
        as_double(gradient(std::vector<GradientRoot<T>>{{y, rounded<T>(vector({1, 1, 1, 1, 0}))}}, {x})[x]);
    check_close(part_of(g, 0, 0, 4),
                tensor({4, 3}, {0.5, 0.5, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 0, 0, 0, 1, 0}),
                sizeof(T) == 4 ? 1e-4 : 1e-12);
}

TEST_CASE_TEMPLATE("softmax and log_softmax: far out they are finite and right", T, float, double) {
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(tensor({3, 3}, {800, -800, 0, -800, -800, -800, 0, -inf, 0})));
    const Var<T> p = softmax(x);
    check_close(as_double(p.value()), tensor({3, 3}, {1, 0, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0.5, 0, 0.5}),
                1e-6);
    const Var<T> l = log_softmax(x);
    const double third = -std::log(3.0);
    check_close(as_double(l.value()),
                tensor({3, 3}, {0, -1600, -800, third, third, third, -std::log(2.0), -inf, -std::log(2.0)}),
                1e-6);
    const Tensor<double> c = tensor({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
    const Tensor<double> of_p = as_double(gradient(std::vector<GradientRoot<T>>{{p, rounded<T>(c)}}, {x})[x]);
    check_close(of_p, tensor({3, 3}, {0, 0, 0, -1.0 / 3, 0, 1.0 / 3, -0.5, 0, 0.5}), 1e-5);
    const Tensor<double> of_l = as_double(gradient(std::vector<GradientRoot<T>>{{l, rounded<T>(c)}}, {x})[x]);
    check_close(of_l, tensor({3, 3}, {-5, 2, 3, -1, 0, 1, -5, 8, -3}), 1e-5);
    const Tensor<double> recorded = as_double(
        gradient_graph(std::vector<GradientGraphRoot<T>>{{l, input(rounded<T>(c))}}, {x})[x].value());
    check_close(recorded, of_l, 1e-5);
}

TEST_CASE("variance: of a single element it is 0, far from 0 it keeps its digits") {
    Tape<double> tape;
    const Var<double> one = input(vector({5}));
    CHECK(variance(one).item() == 0);
    check_close(gradient(variance(one), {one})[one], vector({0}));
    const Var<double> far = input(vector({1e8, 1e8 + 1, 1e8 + 2}));
    CHECK(variance(far).item() == doctest::Approx(2.0 / 3).epsilon(1e-12));
}

TEST_CASE("reductions: over long axes of every length, against plain sums") {
    Random random("long axes");
    Tape<double> tape;
    for (std::size_t n : {1U, 7U, 8U, 9U, 31U, 32U, 33U, 64U, 100U, 1000U}) {
        CAPTURE(n);
        const Tensor<double> value = random.tensor({3, n});
        const Var<double> x = input(value);
        const auto row_sum = [&](const Position& row) {
            double total = 0;
            for (std::size_t k = 0; k < n; ++k) total += at(value, {row[0], k});
            return total;
        };
        const auto row_max = [&](const Position& row) {
            double largest = at(value, {row[0], 0});
            for (std::size_t k = 1; k < n; ++k) largest = std::max(largest, at(value, {row[0], k}));
            return largest;
        };
        check_close(sum(x, 1).value(), generate({3}, row_sum));
        check_same_bits(max(x, 1).value(), generate({3}, row_max));
        CHECK(sum(x).item() == doctest::Approx(inner({value}, {filled({3, n}, 1)})).epsilon(1e-12));
    }
}

TEST_CASE("prod: gradients of both orders with one zero, two and three") {
    for (const std::vector<double>& elements :
         {std::vector<double>{2, -3, 0.5, 4}, {2, 0, 0.5, 4}, {2, 0, 0.5, 0}, {0, 0, 3, 0}}) {
        Tape<double> tape;
        const Var<double> x = input(vector(elements));
        const Var<double> y = prod(x);
        const std::size_t n = elements.size();
        const auto without = [&](std::size_t i, std::size_t k) {
            double product = 1;
            for (std::size_t j = 0; j < n; ++j) product *= j == i || j == k ? 1 : elements[j];
            return product;
        };
        const Var<double> g = gradient_graph(y, {x})[x];
        Tensor<double> weights = vector({1, -2, 3, 0.7});
        const Tensor<double> second = gradient(sum(g * weights), {x})[x];
        for (std::size_t i = 0; i < n; ++i) {
            CHECK(g.value()[i] == doctest::Approx(without(i, i)));
            double expected = 0;
            for (std::size_t k = 0; k < n; ++k) expected += k == i ? 0 : weights[k] * without(i, k);
            CHECK(second[i] == doctest::Approx(expected));
        }
    }
}

TEST_CASE_TEMPLATE("norm: neither overflows nor underflows on the way, in values and gradients", T, float,
                   double) {
    const double huge = sizeof(T) == 4 ? 1e20 : 1e200;
    const double tiny = sizeof(T) == 4 ? 1e-25 : 1e-220;
    const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
    const auto check = [&](const Tensor<double>& value, Axes axes, const Tensor<double>& lengths,
                           const Tensor<double>& directions) {
        Tape<T> tape;
        const Var<T> x = input(rounded<T>(value));
        for (bool keepdims : {false, true}) {
            const Var<T> y = norm(x, axes, keepdims);
            for (std::size_t i = 0; i < lengths.size(); ++i)
                CHECK(std::abs(static_cast<double>(y.value().data()[i]) - lengths.data()[i]) <=
                      tolerance * lengths.data()[i]);
            check_close(as_double(gradient(sum(y), {x})[x]), directions, tolerance);
            check_close(as_double(gradient_graph(sum(y), {x})[x].value()), directions, tolerance);
        }
    };
    check(vector({huge, 1, 1}), {}, vector({huge}), vector({1, 0, 0}));
    check(vector({3 * tiny, 4 * tiny}), {}, vector({5 * tiny}), vector({0.6, 0.8}));
    const Tensor<double> mixed = tensor({3, 2}, {3 * huge, -4 * huge, 3, 4, -3 * tiny, 4 * tiny});
    const Tensor<double> directions = tensor({3, 2}, {0.6, -0.8, 0.6, 0.8, -0.6, 0.8});
    check(mixed, 1, vector({5 * huge, 5, 5 * tiny}), directions);
    check(tensor({2, 3}, {3 * huge, 3, -3 * tiny, -4 * huge, 4, 4 * tiny}), 0,
          vector({5 * huge, 5, 5 * tiny}), tensor({2, 3}, {0.6, 0.6, -0.6, -0.8, 0.8, 0.8}));
    check(vector({std::numeric_limits<T>::denorm_min(), 0}), {},
          vector({std::numeric_limits<T>::denorm_min()}), vector({1, 0}));
    check(vector({std::numeric_limits<T>::max(), 0}), {}, vector({std::numeric_limits<T>::max()}),
          vector({1, 0}));
    // The second order: (1 - u u') / |x|.
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(vector({3 * huge, 4 * huge})));
    const Var<T> g = gradient_graph(norm(x), {x})[x];
    const Tensor<T> second = gradient(std::vector<GradientRoot<T>>{{g, rounded<T>(vector({1, 0}))}}, {x})[x];
    CHECK(second[0] * huge == doctest::Approx((1 - 0.36) / 5).epsilon(10 * tolerance));
    CHECK(second[1] * huge == doctest::Approx(-0.48 / 5).epsilon(10 * tolerance));
    CHECK(norm(input(rounded<T>(vector({inf, 1})))).item() == T(inf));
    CHECK(norm(input(rounded<T>(vector({-inf, huge})))).item() == T(inf));
}

TEST_CASE_TEMPLATE("mean and variance: right where their sums overflow, and far from 0", T, float, double) {
    Tape<T> tape;
    constexpr T most = std::numeric_limits<T>::max();
    const auto of = [](T a, T b, T c, T d) { return input(Tensor<T>{a, b, c, d}); };
    CHECK(mean(of(most, most, most, most / 2)).item() == doctest::Approx(most / 8 * 7));
    const T root = std::sqrt(most) * T(1.5);  // its square is out of range, a quarter of that is not
    CHECK(variance(of(root, 0, 0, 0)).item() / (root / 4 * root) == doctest::Approx(0.75));
    const T root2 = std::sqrt(std::numeric_limits<T>::min());
    CHECK(variance(of(root2, 0, 0, 0)).item() / (root2 * root2 / 16) == doctest::Approx(3));
    // Neighbouring numbers around one that their mean is not.
    const T far = std::ldexp(T(1), std::numeric_limits<T>::digits);
    const Var<T> x = of(far, far + 2, far + 2, far + 2);
    CHECK(variance(x).item() == T(0.75));
    check_close(as_double(gradient(variance(x), {x})[x]), vector({-0.75, 0.25, 0.25, 0.25}));
    check_close(as_double(gradient_graph(variance(x), {x})[x].value()), vector({-0.75, 0.25, 0.25, 0.25}));
}

TEST_CASE_TEMPLATE("logsumexp, softmax and log_softmax: of +inf and -inf", T, float, double) {
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(tensor({3, 3}, {inf, 0, 1, inf, -inf, inf, 800, inf, -inf})));
    const Tensor<double> shares = tensor({3, 3}, {1, 0, 0, 0.5, 0, 0.5, 0, 1, 0});
    const Var<T> y = logsumexp(x, 1);
    check_close(as_double(y.value()), vector({inf, inf, inf}));
    check_close(as_double(gradient(sum(y), {x})[x]), shares);
    check_close(as_double(gradient_graph(sum(y), {x})[x].value()), shares);
    check_close(as_double(softmax(x).value()), shares);
    const double half = std::log(0.5);
    check_close(as_double(log_softmax(x).value()),
                tensor({3, 3}, {0, -inf, -inf, half, -inf, half, -inf, 0, -inf}), 1e-6);
    const Tensor<double> c = tensor({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
    const Tensor<double> of_p =
        as_double(gradient(std::vector<GradientRoot<T>>{{softmax(x), rounded<T>(c)}}, {x})[x]);
    check_close(of_p, tensor({3, 3}, {0, 0, 0, -0.5, 0, 0.5, 0, 0, 0}));
    const Var<T> nothing = input(rounded<T>(filled({2}, -inf)));
    CHECK(std::isnan(softmax(nothing).value()[0]));
    CHECK(std::isnan(log_softmax(nothing).value()[1]));
}

TEST_CASE_TEMPLATE("pow: the gradient of 0^p in p", T, float, double) {
    Tape<T> tape;
    const Var<T> x = input(rounded<T>(vector({0, 0, 0, 0, -0.0})));
    const Var<T> p = input(rounded<T>(vector({2, 0.5, 0, -1, 0})));
    const Tensor<double> slopes = vector({0, 0, 0, -inf, 0});
    check_close(as_double(gradient(sum(pow(x, p)), {p})[p]), slopes);
    check_close(as_double(gradient_graph(sum(pow(x, p)), {p})[p].value()), slopes);
    const Var<T> nan = input(rounded<T>(vector({not_a_number})));
    const Var<T> zero = input(rounded<T>(vector({0})));
    CHECK(std::isnan(gradient(pow(zero, nan), {nan})[nan][0]));
    CHECK(std::isnan(gradient(pow(nan, zero + 1), {zero})[zero][0]));
}
