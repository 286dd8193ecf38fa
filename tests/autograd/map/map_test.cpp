#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Result {
    Tensors values;
    Tensors gradients;
    Tensors recorded;
    Tensors second;
    std::size_t nodes;
};

/// `call` of the arguments on a tape that fuses, or does not; the results in `used` get a cotangent.
template <class F>
Result run(bool fuse, F call, const Tensors& arguments, std::uint64_t used = ~0ULL) {
    Random random("map");
    Tape<double> tape({.fuse = fuse});
    std::vector<Var<double>> x;
    for (const Tensor<double>& argument : arguments) x.push_back(input(argument));
    const std::size_t before = tape.size();
    const auto results = call(x);
    const std::size_t nodes = tape.size() - before;
    std::vector<Var<double>> y;
    if constexpr (std::is_same_v<decltype(results), const Var<double>>)
        y.push_back(results);
    else
        y.assign(results.begin(), results.end());

    std::vector<GradientRoot<double>> roots;
    std::vector<GradientGraphRoot<double>> graph_roots;
    Result result{{}, {}, {}, {}, nodes};
    for (std::size_t r = 0; r < y.size(); ++r) {
        result.values.push_back(y[r].value());
        const Tensor<double> cotangent = random.tensor(y[r].shape());
        if ((used >> r & 1U) == 0) continue;
        roots.push_back({y[r], cotangent});
        graph_roots.push_back({y[r], input(cotangent)});
    }
    std::vector<Wrt<double>> wrt(x.begin(), x.end());
    for (const Tensor<double>& one : gradient(roots, wrt)) result.gradients.push_back(one);
    Var<double> projected = input(filled({}, 0));
    for (const Var<double>& one : gradient_graph(graph_roots, wrt)) {
        result.recorded.push_back(one.value());
        projected = projected + sum(one * random.tensor(one.shape()));
    }
    for (const Tensor<double>& one : gradient(projected, wrt)) result.second.push_back(one);
    return result;
}

void compare(const Tensors& fused, const Tensors& plain, double tolerance) {
    REQUIRE(fused.size() == plain.size());
    for (std::size_t k = 0; k < fused.size(); ++k) {
        CAPTURE(k);
        if (tolerance == 0)
            check_same_bits(fused[k], plain[k]);
        else
            check_close(fused[k], plain[k], tolerance);
    }
}

template <class F>
void check_fusion(F call, const Tensors& arguments, std::uint64_t used = ~0ULL) {
    const Result fused = run(true, call, arguments, used);
    const Result plain = run(false, call, arguments, used);
    CHECK(fused.nodes <= 1 + (fused.values.size() == 1 ? 0 : fused.values.size()));
    CHECK(plain.nodes > 1);
    compare(fused.values, plain.values, 0);
    compare(fused.gradients, plain.gradients, 1e-12);
    compare(fused.recorded, plain.recorded, 1e-12);
    compare(fused.recorded, fused.gradients, 1e-12);
    compare(fused.second, plain.second, 1e-11);
}

}  // namespace

TEST_CASE("map: every elementwise function, fused and as plain operations") {
    Random random("functions");
    const Tensor<double> x = random.tensor({5, 7}, -2, 2);
    const Tensor<double> positive = random.tensor({5, 7}, 0.3, 2);
    const auto check = [&](const char* name, const Tensor<double>& argument, auto f) {
        CAPTURE(name);
        check_fusion([f](const auto& v) { return map(f, v[0]); }, {argument});
    };
    check("exp", x, [](auto v) { return exp(v) * v; });
    check("log", positive, [](auto v) { return log(v) * v; });
    check("expm1", x, [](auto v) { return expm1(v) * v; });
    check("log1p", positive, [](auto v) { return log1p(v) * v; });
    check("sqrt", positive, [](auto v) { return sqrt(v) * v; });
    check("square", x, [](auto v) { return square(v) * v; });
    check("abs", x, [](auto v) { return abs(v) * v; });
    check("sin", x, [](auto v) { return sin(v) * v; });
    check("cos", x, [](auto v) { return cos(v) * v; });
    check("tanh", x, [](auto v) { return tanh(v) * v; });
    check("sigmoid", x, [](auto v) { return sigmoid(v) * v; });
    check("softplus", x, [](auto v) { return softplus(v) * v; });
    check("relu", x, [](auto v) { return relu(v) * v; });
    check("leaky_relu", x, [](auto v) { return leaky_relu(v, 0.2) * v; });
    check("elu", x, [](auto v) { return elu(v, 0.7) * v; });
    check("clip", x, [](auto v) { return clip(v, -1, 1) * v; });
    check("pow, of a variable", positive, [](auto v) { return pow(v, 2.5) * v; });
    check("pow, to a variable", positive, [](auto v) { return pow(2, v) * v; });
    check("negation", x, [](auto v) { return -v * v; });
    check("division", positive, [](auto v) { return 1 / v + v / (1 + v * v) - v / 3; });
    check("comparison", x, [](auto v) { return where(v > 0.5, sin(v), where(v <= -0.5, 2, v * v)); });
    check("less and greater", x, [](auto v) { return where(v < 0, where(v >= -1, v, v * v), 3 * v); });
}

TEST_CASE("map: functions of two") {
    Random random("two");
    const Tensors x{random.tensor({4, 6}, 0.3, 2), random.tensor({4, 6}, 0.3, 2)};
    const auto check = [&](const char* name, auto f) {
        CAPTURE(name);
        check_fusion([f](const auto& v) { return map(f, v[0], v[1]); }, x);
        check_fusion([f](const auto& v) { return map(f, v[0], v[0]); }, {x[0]});
    };
    check("sums", [](auto a, auto b) { return (a + b) * (a - b); });
    check("products", [](auto a, auto b) { return a * b + a / b; });
    check("pow", [](auto a, auto b) { return pow(a, b) + a; });
    check("maximum", [](auto a, auto b) { return maximum(a, b) * a; });
    check("minimum", [](auto a, auto b) { return minimum(a, b) * b; });
    check("where", [](auto a, auto b) { return where(a < b, a * a, b * a); });
    check("one of them", [](auto a, auto) { return sin(a) * a; });
    check("several", [](auto a, auto b) { return std::tuple{a * b, sin(a), b * b * b}; });
    check("as an array", [](auto a, auto b) { return std::array{a * b + a, a * b}; });
}

TEST_CASE("map: arguments that broadcast, along rows, columns and whole axes") {
    Random random("broadcast");
    const auto f = [](auto a, auto b, auto c) { return std::tuple{tanh(a * b) + c, a * c}; };
    for (const std::vector<Shape>& shapes : std::vector<std::vector<Shape>>{{{4, 6}, {6}, {4, 1}},
                                                                            {{4, 6}, {}, {1, 6}},
                                                                            {{4, 1}, {1, 6}, {}},
                                                                            {{3, 1, 2}, {4, 1}, {3, 4, 2}},
                                                                            {{2, 1, 3, 1}, {4, 1, 5}, {1}},
                                                                            {{6}, {4, 6}, {4, 6}},
                                                                            {{4, 1}, {4, 1}, {4, 1}},
                                                                            {{}, {}, {}},
                                                                            {{1, 1}, {5}, {2, 1, 1}},
                                                                            {{4, 0}, {0}, {4, 1}}}) {
        Tensors x;
        for (const Shape& shape : shapes) x.push_back(random.tensor(shape));
        CAPTURE(shapes[0].text());
        check_fusion([f](const auto& v) { return map(f, v[0], v[1], v[2]); }, x);
    }
}

TEST_CASE("map: gates of matrices, of biases, and of both") {
    Random random("gates");
    const auto cell = [](auto a, auto b, auto c) {
        auto [input, forget, candidate, output] = a;
        auto [bi, bf, bn, bo] = b;
        auto next = sigmoid(forget + bf) * c + sigmoid(input + bi) * tanh(candidate + bn);
        return std::tuple{sigmoid(output + bo) * tanh(next), next};
    };
    for (std::size_t width : {1U, 2U, 7U, 8U, 17U}) {
        CAPTURE(width);
        for (const std::vector<Shape>& shapes :
             std::vector<std::vector<Shape>>{{{3, 4 * width}, {4 * width}, {3, width}},
                                             {{3, 4 * width}, {3, 4 * width}, {3, width}},
                                             {{2, 3, 4 * width}, {3, 4 * width}, {width}},
                                             {{4 * width}, {4 * width}, {3, width}},
                                             {{3, 4 * width}, {1, 4 * width}, {}}}) {
            Tensors x;
            for (const Shape& shape : shapes) x.push_back(random.tensor(shape));
            check_fusion([cell](const auto& v) { return map(cell, gates<4>(v[0]), gates<4>(v[1]), v[2]); },
                         x);
        }
        // One packed value in both places, and beside one of its parts' shape.
        check_fusion([cell](const auto& v) { return map(cell, gates<4>(v[0]), gates<4>(v[0]), v[1]); },
                     {random.tensor({3, 4 * width}), random.tensor({3, width})});
    }
    check_fusion(
        [](const auto& v) {
            return map(
                [](auto packed, auto whole) { return std::get<0>(packed) * whole + std::get<1>(packed); },
                gates<2>(v[0]), v[0]);
        },
        {random.tensor({3, 2})});
}

TEST_CASE("map: results that nobody uses") {
    Random random("unused");
    const auto f = [](auto a, auto b) { return std::tuple{a * b, sin(a) * b, b * b * a}; };
    const Tensors x{random.tensor({3, 5}), random.tensor({5})};
    for (std::uint64_t used = 1; used < 8; ++used) {
        CAPTURE(used);
        check_fusion([f](const auto& v) { return map(f, v[0], v[1]); }, x, used);
    }
}

TEST_CASE("map: a result that does not depend on any argument, or not on all") {
    Tape<double> tape;
    const Var<double> x = input(filled({2, 3}, 2));
    const Var<double> y = input(filled({3}, 5));
    const auto [product, constant, other] = map(
        [](auto a, auto b) {
            return std::tuple{a * b, 7, b * b};
        },
        x, y);
    check_same_bits(constant.value(), filled({2, 3}, 7));
    CHECK(other.shape() == Shape{2, 3});
    const Var<double> J = sum(product) + sum(constant) + sum(other);
    const auto g = gradient(J, {x, y});
    check_close(g[x], filled({2, 3}, 5));
    check_close(g[y], filled({3}, 24));
    const auto graph = gradient_graph(J, {x, y});
    check_close(graph[x].value(), g[x]);
    check_close(graph[y].value(), g[y]);
}

TEST_CASE("map: a result used several times, and as a root beside another") {
    Random random("roots");
    const Tensor<double> value = random.tensor({4});
    Tape<double> tape;
    const Var<double> x = input(value);
    const auto [s, q] = map([](auto a) { return std::tuple{sin(a), a * a}; }, x);
    const auto g = gradient(
        std::vector<GradientRoot<double>>{{q, filled({4}, 3)}, {s * q + s, filled({4}, 1)}}, {x, s, q});
    check_close(g[x], each(value, [](double v) {
                    return 6 * v + std::cos(v) * v * v + std::sin(v) * 2 * v + std::cos(v);
                }));
    check_close(g[q], each(value, [](double v) { return 3 + std::sin(v); }));
    check_close(g[s], each(value, [](double v) { return v * v + 1; }));
    // The first result alone is the last node that a root needs.
    check_close(gradient(std::vector<GradientRoot<double>>{{s, filled({4}, 1)}}, {x})[x],
                each(value, [](double v) { return std::cos(v); }));
}

TEST_CASE("map: what the function captures is copied, and constant") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    double factor = 3;
    const Var<double> y = map([factor](auto a) { return factor * a * a; }, x);
    factor = 100;
    check_close(y.value(), vector({3, 12}));
    check_close(gradient(sum(y), {x})[x], vector({6, 12}));
}

TEST_CASE("map: parameters are arguments too, whole and as gates") {
    Parameter<double> W("W", vector({1, 2, 3, 4}));
    Parameter<double> b("b", vector({0.5, -0.5}));
    Tape<double> tape;
    const Var<double> y = map(
        [](auto packed, auto bias) {
            auto [p, q] = packed;
            return p * q + bias * bias;
        },
        gates<2>(W), b);
    check_close(y.value(), vector({3.25, 8.25}));
    const auto g = gradient(sum(y), {W, b});
    check_close(g[W], vector({3, 4, 1, 2}));
    check_close(g[b], vector({1, -1}));
}

TEST_CASE("map: arguments belong to the tape of the Vars among them") {
    Parameter<double> p("p", vector({3}));
    Tape<double> outer;
    const Var<double> x = input(vector({2}));
    Tape<double> inner;
    const Var<double> y = map([](auto a, auto b) { return a * b; }, x, p);
    const Var<double> z = map([](auto a, auto b) { return a * b; }, p, x);
    CHECK(&y.tape() == &outer);
    CHECK(&z.tape() == &outer);
    CHECK(inner.size() == 0);
    const Var<double> other = input(vector({2}));
    const auto mixed = [](auto a, auto b) { return a * b; };
    CHECK(text_of<std::logic_error>([&] {
              map(mixed, x, other);
          }).starts_with("map: its arguments are on different tapes"));
}

TEST_CASE("map: wrong shapes are refused before anything is recorded") {
    Parameter<double> p("p", vector({1, 2, 3}));
    Tape<double> tape;
    const Var<double> x = input(filled({2, 4}, 1));
    const std::size_t size = tape.size();
    const LabelScope<double> label("cell");
    const auto multiply = [](auto a, auto b) { return a * b; };
    const auto line = std::to_string(CallSite::current().line() + 1);
    const std::string text = text_of<std::invalid_argument>([&] { map(multiply, x, p); });
    CHECK(
        text ==
        "map: a is [2, 4] and b is [3]; aligned at the last axis, extents must be equal or 1 (map_test.cpp:" +
            line + ", cell)");
    CHECK(tape.size() == size);
    const auto first = [](auto a, auto b) { return std::get<0>(a) * b; };
    CHECK(contains(text_of<std::invalid_argument>([&] { map(first, gates<3>(x), p); }),
                   "map: gates<3> of a value that is [2, 4]"));
    CHECK(contains(text_of<std::invalid_argument>([&] { map(first, gates<2>(p), x); }),
                   "map: gates<2> of a value that is [3]"));
    CHECK(tape.size() == size);
}

TEST_CASE("map: kinks, NaN, and the branch that was not taken") {
    const auto gradient_of = [](auto f, const Tensor<double>& value) {
        Tape<double> tape;
        const Var<double> x = input(value);
        const Tensor<double> fused = gradient(sum(map(f, x)), {x})[x];
        check_close(gradient_graph(sum(map(f, x)), {x})[x].value(), fused);
        return fused;
    };
    check_close(gradient_of([](auto x) { return where(x > 0, sqrt(x), x); }, vector({-1, 4})),
                vector({1, 0.25}));
    check_close(gradient_of([](auto x) { return where(x > 0, x, log(x)); }, vector({2, 0.5})),
                vector({1, 1}));
    check_close(gradient_of([](auto x) { return where(x > 0, log(x), 0); }, vector({-1, 0})), vector({0, 0}));
    check_close(gradient_of([](auto x) { return relu(x) + abs(x); }, vector({0, 2})), vector({0, 2}));
    check_close(gradient_of([](auto x) { return maximum(x, 1); }, vector({1, 2, 0})), vector({0.5, 1, 0}));
    check_close(gradient_of([](auto x) { return sigmoid(x); }, vector({-800, 800})), vector({0, 0}));
    CHECK(std::isnan(gradient_of([](auto x) { return relu(x); }, vector({not_a_number}))[0]));
}

TEST_CASE("map: an unused result whose slope is infinite does not leak") {
    Tape<double> tape;
    const Var<double> x = input(vector({0, 4}));
    const auto [root, line] = map([](auto a) { return std::tuple{sqrt(a), 3 * a}; }, x);
    check_close(gradient(sum(line), {x})[x], vector({3, 3}));
    check_close(gradient_graph(sum(line), {x})[x].value(), vector({3, 3}));
    check_close(gradient(sum(line) + sum(root * vector({0, 1})), {x})[x], vector({3, 3.25}));
}

TEST_CASE("map: of third order") {
    Random random("third");
    const Tensor<double> value = random.tensor({9});
    for (bool fuse : {true, false}) {
        Tape<double> tape({.fuse = fuse});
        const Var<double> x = input(value);
        const Var<double> y = map([](auto a) { return sin(a) * a; }, x);
        const Var<double> first = gradient_graph(sum(y), {x})[x];
        const Var<double> second = gradient_graph(sum(first), {x})[x];
        check_close(gradient(sum(second), {x})[x],
                    each(value, [](double v) { return -3 * std::sin(v) - v * std::cos(v); }));
    }
}

TEST_CASE("map: paused, it records a constant") {
    Tape<double> tape;
    const Var<double> x = input(vector({2}));
    std::array<Var<double>, 2> results;
    {
        const Paused<double> pause;
        results = map([](auto a) { return std::tuple{a * a, a}; }, x);
    }
    check_close(gradient(results[0] * x + results[1], {x})[x], vector({4}));
}

TEST_CASE("map: sixteen arguments, and the caller's line with any number of them") {
    Random random("sixteen");
    const auto weighted = []<class... A>(A... a) {
        return [&]<std::size_t... k>(std::index_sequence<k...>) {
            return ((a * static_cast<double>(k + 1) * a) + ...);
        }
        (std::index_sequence_for<A...>());
    };
    Tensors x;
    for (int k = 0; k < 16; ++k) x.push_back(random.tensor(k % 3 == 0 ? Shape{2, 3} : Shape{3}));
    check_fusion(
        [=](const auto& v) {
            return map(weighted, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]);
        },
        {x.begin(), x.begin() + 12});
    check_fusion(
        [=](const auto& v) {
            return map(weighted, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11],
                       v[12], v[13], v[14], v[15]);
        },
        x);
    Tape<double> tape;
    const Var<double> a = input(filled({2}, 1));
    const Var<double> b = input(filled({3}, 1));
    const auto sum_of = [](auto... each_one) { return (each_one + ...); };
    const auto line = CallSite::current().line();
    const std::string two = text_of<std::invalid_argument>([&] { map(sum_of, a, b); });
    const std::string eight = text_of<std::invalid_argument>([&] { map(sum_of, a, a, a, a, a, a, a, b); });
    CHECK(contains(two, "(map_test.cpp:" + std::to_string(line + 1)));
    CHECK(contains(eight, "(map_test.cpp:" + std::to_string(line + 2)));
}

TEST_CASE("map: tensors, expressions and numbers are constants") {
    Random random("constants");
    const Tensor<double> x_value = random.tensor({2, 3});
    const Tensor<double> factor = random.tensor({3});
    for (const bool fuse : {true, false}) {
        Tape<double> tape({.fuse = fuse});
        const Var<double> x = input(x_value);
        const auto f = [](auto a, auto b, auto c, auto d) { return a * a * b + c * d; };
        const Var<double> y = map(f, x, factor, factor * 2.0, 3);
        check_close(y.value(), each(x_value, repeated(factor, {2, 3}),
                                    [](double a, double b) { return a * a * b + 6 * b; }));
        check_close(gradient(sum(y), {x})[x],
                    each(x_value, repeated(factor, {2, 3}), [](double a, double b) { return 2 * a * b; }));
        check_close(gradient_graph(sum(y), {x})[x].value(), gradient(sum(y), {x})[x]);
        // What tells the type need not come first.
        check_close(map([](auto b, auto a) { return a * b; }, 2, x).value(),
                    each(x_value, [](double a) { return 2 * a; }));
        const auto packed = [](auto gates, auto a) {
            auto [p, q] = gates;
            return p * a + q;
        };
        const Tensor<double> both = vector({1, 2, 3, 4, 5, 6});
        check_close(map(packed, gates<2>(both), x).value(), map(packed, gates<2>(input(both)), x).value());
    }
}

TEST_CASE("operands: an expression is of what its tensors are of, whatever its numbers are") {
    Tape<float> tape;
    const Tensor<float> t{1, 2, 3};
    const Tensor<double> d{1, 2, 3};
    const Var<float> x = input(t);
    CHECK((x * (t * 0.5)).value() == Tensor<float>{0.5F, 2, 4.5F});
    CHECK(((0.5 * t + 1.0) - x).value() == Tensor<float>{0.5F, 0, -0.5F});
    CHECK((x + (xt::exp(t * 0.0) / 2)).value() == Tensor<float>{1.5F, 2.5F, 3.5F});
    CHECK(add(x, xt::cast<float>(d)).value() == Tensor<float>{2, 4, 6});
    // Of one type only, so that functions of both know which is meant.
    static_assert(std::constructible_from<Operand<float>, decltype(t * 0.5)>);
    static_assert(!std::constructible_from<Operand<double>, decltype(t * 0.5)>);
    static_assert(std::constructible_from<Operand<double>, decltype(d * 0.5)>);
    static_assert(!std::constructible_from<Operand<float>, decltype(d * 0.5)>);
    static_assert(!std::constructible_from<Operand<float>, decltype(d * t * 0.5)>);
    static_assert(std::constructible_from<Operand<double>, decltype(xt::cast<double>(t))>);
    static_assert(!std::constructible_from<Operand<float>, const Tensor<double>&>);
    static_assert(std::constructible_from<Operand<float>, decltype(d > 0.5)>);
}
