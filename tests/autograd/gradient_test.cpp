#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("gradient: a node used twice gets both contributions") {
    Tape<double> tape;
    const Var<double> x = input(vector({1.5, -2}));
    check_close(gradient(sum(x * x), {x})[x], vector({3, -4}));
    check_close(gradient(sum(x + x), {x})[x], vector({2, 2}));
    check_close(gradient(sum(x - x), {x})[x], vector({0, 0}));
    check_close(gradient(sum(x / x), {x})[x], vector({0, 0}));
    check_close(gradient(sum(minimum(x, x)), {x})[x], vector({1, 1}));
    check_close(gradient(sum(maximum(x, x)), {x})[x], vector({1, 1}));
    const Var<double> m = input(tensor({2, 2}, {1, 2, 3, 4}));
    check_close(gradient(sum(matmul(m, m)), {m})[m], tensor({2, 2}, {7, 11, 9, 13}));
}

TEST_CASE("gradient: diamonds, in which a node is reached by several ways") {
    Tape<double> tape;
    const Var<double> x = input(vector({0.3, -0.7, 2}));
    const Var<double> top = sin(x);
    const Var<double> left = top * top;
    const Var<double> right = exp(top);
    const Var<double> bottom = left * right + top;
    const Tensor<double> expected = each(vector({0.3, -0.7, 2}), [](double v) {
        const double s = std::sin(v);
        return (2 * s * std::exp(s) + s * s * std::exp(s) + 1) * std::cos(v);
    });
    check_close(gradient(sum(bottom), {x})[x], expected);

    // Thirty of them, one above the other: each doubles the number of ways.
    Var<double> y = x;
    for (int i = 0; i < 30; ++i) y = 0.5 * y + 0.5 * y;
    check_close(gradient(sum(y), {x})[x], vector({1, 1, 1}));
}

TEST_CASE("gradient: a result that nobody uses does not matter") {
    Tape<double> tape;
    const Var<double> x = input(vector({-1, 4}));
    const Var<double> unused = log(x) / (x - x);
    const Var<double> J = sum(square(x));
    const Var<double> behind = sqrt(J - 100);
    check_close(gradient(J, {x})[x], vector({-2, 8}));
    CHECK(std::isnan(unused.value()[0]));
    CHECK(std::isnan(behind.item()));
    check_close(gradient_graph(J, {x})[x].value(), vector({-2, 8}));
}

TEST_CASE("gradient: what J does not depend on gets zeros of its shape") {
    Tape<double> tape;
    Parameter<double> used("used", vector({1, 2}));
    Parameter<double> on_tape("on_tape", filled({2, 3}, 7));
    Parameter<double> elsewhere("elsewhere", filled({4, 1}, 7));
    const Var<double> x = input(vector({3, 4}));
    static_cast<void>(exp(on_tape));
    const Var<double> J = sum(used * 2);
    const Var<double> later = input(filled({5}, 1));
    const auto g = gradient(J, {used, on_tape, elsewhere, x, later});
    check_close(g[used], vector({2, 2}));
    check_same_bits(g[on_tape], filled({2, 3}, 0));
    check_same_bits(g[elsewhere], filled({4, 1}, 0));
    check_same_bits(g[x], filled({2}, 0));
    check_same_bits(g[later], filled({5}, 0));
    const auto graph = gradient_graph(J, {used, on_tape, elsewhere, x});
    check_same_bits(graph[on_tape].value(), filled({2, 3}, 0));
    check_same_bits(graph[elsewhere].value(), filled({4, 1}, 0));
    check_same_bits(graph[x].value(), filled({2}, 0));
}

TEST_CASE("gradient: of a J that is constant, or a leaf itself") {
    Tape<double> tape;
    Parameter<double> p("p", filled({}, 3));
    const Var<double> constant = input(filled({}, 5));
    check_same_bits(gradient(constant, {p})[p], filled({}, 0));
    check_same_bits(gradient(constant, {constant})[constant], filled({}, 1));
    const Var<double> leaf = input(p);
    check_same_bits(gradient(leaf, {p})[p], filled({}, 1));
    check_same_bits(gradient_graph(leaf, {p})[p].value(), filled({}, 1));
    CHECK(gradient(constant, std::vector<Wrt<double>>{}).size() == 0);
}

TEST_CASE("gradient: J may have any shape with a single element, and no other") {
    Tape<double> tape;
    const Var<double> x = input(filled({1, 1}, 3));
    check_close(gradient(x * x, {x})[x], filled({1, 1}, 6));
    const Var<double> several = input(filled({2, 3}, 1));
    const std::string text = text_of<std::invalid_argument>([&] { gradient(several * several, {several}); });
    CHECK(text.starts_with("gradient: J is [2, 3]"));
    CHECK(contains(text, "Root"));
    CHECK_THROWS_AS(gradient_graph(several, {several}), std::invalid_argument);
    CHECK_THROWS_AS(gradient(input(filled({0}, 1)), {several}), std::invalid_argument);
}

TEST_CASE("gradient: several roots add up, also the same one twice, and one behind another") {
    Tape<double> tape;
    const Var<double> x = input(vector({0.5, -1.5}));
    const Var<double> y = x * x;
    const Var<double> z = sum(sin(y));
    const Tensor<double> c = vector({2, -3});
    const Tensor<double> d = vector({0.25, 5});
    const auto expected_of = [&](double of_z) {
        Tensor<double> g = tapeloop::detail::uninitialised<double>({2});
        for (std::size_t i = 0; i < 2; ++i) {
            const double v = i == 0 ? 0.5 : -1.5;
            g[i] = 2 * v * (c[i] + d[i]) + of_z * std::cos(v * v) * 2 * v;
        }
        return g;
    };
    check_close(gradient(std::vector<GradientRoot<double>>{{y, c}, {z, filled({}, 3)}, {y, d}}, {x})[x],
                expected_of(3));
    check_close(gradient(std::vector<GradientRoot<double>>{{z, filled({}, 3)}, {y, c}, {y, d}}, {x})[x],
                expected_of(3));
    // A root can be asked for itself.
    const auto g = gradient(std::vector<GradientRoot<double>>{{y, c}, {z, filled({}, 1)}}, {y, z});
    check_close(g[z], filled({}, 1));
    check_close(g[y], vector({2 + std::cos(0.25), -3 + std::cos(2.25)}));

    const std::vector<GradientGraphRoot<double>> recorded{
        {y, input(c)}, {z, input(filled({}, 3))}, {y, input(d)}};
    check_close(gradient_graph(recorded, {x})[x].value(), expected_of(3));
}

TEST_CASE("gradient: roots that do not fit are refused") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2, 3}));
    CHECK(text_of<std::invalid_argument>([&] {
              gradient(std::vector<GradientRoot<double>>{{x, vector({1, 2})}}, {x});
          }) == "gradient: a root is [3] and its cotangent [2]; they must be equal");
    CHECK(text_of<std::invalid_argument>([&] { gradient(std::vector<GradientRoot<double>>{}, {x}); }) ==
          "gradient: no root given");
    CHECK_THROWS_AS(gradient(std::vector<GradientRoot<double>>{{x, filled({1, 3}, 1)}}, {x}),
                    std::invalid_argument);
    CHECK_THROWS_AS(gradient_graph(std::vector<GradientGraphRoot<double>>{{x, input(vector({1}))}}, {x}),
                    std::invalid_argument);
    Tape<double> other;
    const Var<double> y = input(vector({1, 2, 3}));
    CHECK_THROWS_AS(
        gradient(std::vector<GradientRoot<double>>{{x, vector({1, 1, 1})}, {y, vector({1, 1, 1})}}, {x}),
        std::logic_error);
    CHECK(contains(text_of<std::logic_error>([&] { gradient(sum(x), {y}); }), "another tape"));
    CHECK_THROWS_AS(gradient(sum(x), {Var<double>()}), std::logic_error);
}

TEST_CASE("gradient: asked twice it gives the same bits, and leaves the tape as it was") {
    Random random("twice");
    Parameter<double> W("W", random.tensor({5, 5}));
    Tape<double> tape;
    Var<double> h = input(random.tensor({3, 5}));
    for (int t = 0; t < 6; ++t) h = tanh(matmul(h, W));
    const Var<double> J = mean(square(h));
    const std::size_t size = tape.size();
    const Tensor<double> first = gradient(J, {W})[W];
    const Tensor<double> second = gradient(J, {W})[W];
    CHECK(tape.size() == size);
    check_same_bits(second, first);
    check_close(gradient_graph(J, {W})[W].value(), first);
    check_same_bits(gradient(J, {W})[W], first);
}

TEST_CASE("gradient: the same program gives the same bits again") {
    const auto run = [] {
        Random random("bits");
        Parameter<float> U("U", rounded<float>(random.tensor({7, 33})));
        Parameter<float> W("W", rounded<float>(random.tensor({33, 33}, -0.2, 0.2)));
        Tape<float> tape;
        Var<float> h = input(Tensor<float>(xt::zeros<float>({19, 33})));
        for (int t = 0; t < 40; ++t)
            h = tanh(matmul(input(rounded<float>(random.tensor({19, 7}))), U) + matmul(h, W));
        const auto g = gradient(sum(softmax(h) * h), {U, W});
        return std::pair{as_double(g[U]), as_double(g[W])};
    };
    const auto first = run();
    for (int i = 0; i < 3; ++i) {
        const auto again = run();
        check_same_bits(again.first, first.first);
        check_same_bits(again.second, first.second);
    }
}

TEST_CASE("gradient: of a gradient of a gradient") {
    Tape<double> tape;
    const Var<double> x = input(vector({0.7, -1.3}));
    const Var<double> J = sum(pow(x, 5) + sin(x));
    const Var<double> first = gradient_graph(J, {x})[x];
    const Var<double> second = gradient_graph(sum(first), {x})[x];
    const Var<double> third = gradient_graph(sum(second), {x})[x];
    const Tensor<double> fourth = gradient(sum(third), {x})[x];
    const Tensor<double> at_x = vector({0.7, -1.3});
    check_close(first.value(), each(at_x, [](double v) { return 5 * std::pow(v, 4) + std::cos(v); }));
    check_close(second.value(), each(at_x, [](double v) { return 20 * std::pow(v, 3) - std::sin(v); }));
    check_close(third.value(), each(at_x, [](double v) { return 60 * std::pow(v, 2) - std::cos(v); }));
    check_close(fourth, each(at_x, [](double v) { return 120 * v + std::sin(v); }));
}

TEST_CASE("gradient: Hessian-vector and Jacobian-vector products") {
    Random random("hessian");
    const Tensor<double> value = random.tensor({4});
    const Tensor<double> direction = random.tensor({4});
    const Tensor<double> A = random.tensor({4, 4});
    Tape<double> tape;
    const Var<double> x = input(value);
    const Var<double> y = tanh(matmul(reshape(x, {1, 4}), A));
    const auto f = [&](const Tensors& at_x) {
        return generate({1, 4}, [&](const Position& position) {
            double total = 0;
            for (std::size_t k = 0; k < 4; ++k) total += at_x[0][k] * at(A, {k, position[1]});
            return std::tanh(total);
        });
    };
    // J v as the gradient, by the cotangent, of <v, gradient>.
    const Var<double> cotangent = input(filled({1, 4}, 1));
    const auto pulled = gradient_graph(std::vector<GradientGraphRoot<double>>{{y, cotangent}}, {x});
    check_close(gradient(sum(pulled[x] * direction), {cotangent})[cotangent],
                derivative_along([&](const Tensors& v) { return Tensors{f(v)}; }, {value}, {direction})[0],
                1e-8);
    // H v of sum(y).
    const auto slope = [&](const Tensors& at_x) {
        return Tensors{derivative(
            [&](const Tensors& v) {
                return inner({f(v)}, {filled({1, 4}, 1)});
            },
            at_x, 0)};
    };
    const Var<double> first = gradient_graph(sum(y), {x})[x];
    check_close(gradient(sum(first * direction), {x})[x], derivative_along(slope, {value}, {direction})[0],
                1e-6);
}

TEST_CASE("gradient: by an intermediate Var, and by the same one twice") {
    Tape<double> tape;
    const Var<double> x = input(vector({0.5, 2}));
    const Var<double> y = x * x;
    const Var<double> J = sum(y * x);
    const auto g = gradient(J, {y, x, y});
    check_close(g[y], vector({0.5, 2}));
    check_close(g[x], vector({0.75, 12}));
    CHECK(g.size() == 3);
    check_same_bits(g.at(2), g.at(0));
    check_close(gradient(J, {y})[y], vector({0.5, 2}));
    const auto graph = gradient_graph(J, {y, x, y});
    check_close(graph.at(0).value(), vector({0.5, 2}));
    check_close(graph.at(1).value(), vector({0.75, 12}));
    check_close(graph.at(2).value(), vector({0.5, 2}));

    Parameter<double> p("p", vector({1, 3}));
    const auto twice = gradient(sum(square(p)), {p, p});
    check_close(twice.at(0), vector({2, 6}));
    check_same_bits(twice.at(1), twice.at(0));
}

TEST_CASE("gradient: what was not asked for is an error that names it") {
    Tape<double> tape;
    Parameter<double> U("U", vector({1}));
    Parameter<double> W("encoder/W", vector({1}));
    const Var<double> x = input(vector({1}));
    const auto g = gradient(sum(U * x), {U});
    CHECK(text_of<std::invalid_argument>([&] { static_cast<void>(g[W]); }) ==
          "gradients: parameter 'encoder/W' was not asked for");
    CHECK(contains(text_of<std::invalid_argument>([&] { static_cast<void>(g[x]); }), "not asked for"));
}

TEST_CASE("gradient: of every node, a parameter's is found by the parameter as well as by its node") {
    Parameter<double> W("W", vector({3, 4}));
    const auto g = [&] {
        Tape<double> tape;
        const Var<double> J = sum(W * W);
        const auto all = gradient(J, every_node(tape));
        check_close(all[W], vector({6, 8}));
        check_close(all[tape.var(*tape.find(W.storage().get()))], vector({6, 8}));
        check_close(all[J], Tensor<double>(1.0));
        // Once for the parameter, whatever it is asked by.
        CHECK(gradient(J, every_node(tape).add(W)).norm() == doctest::Approx(all.norm()));
        return all;
    }();
    check_close(g[W], vector({6, 8}));
    const Parameter<double> other("other", vector({1}));
    CHECK(contains(text_of<std::invalid_argument>([&] { static_cast<void>(g[other]); }), "'other'"));
}

TEST_CASE("gradient: outlives the tape") {
    Parameter<double> U("U", vector({1, 2}));
    const auto g = [&] {
        Tape<double> tape;
        return gradient(sum(U * U), {U});
    }();
    check_close(g[U], vector({2, 4}));
}

// A vector times W from the right is not what W times it from the left is; with three steps a mistake in the
// order shows.
TEST_CASE("gradient: a recurrence whose Jacobians do not commute") {
    Random random("recurrence");
    const Tensors values{random.tensor({3, 4}), random.tensor({4, 4}), random.tensor({2, 4}),
                         random.tensor({4})};
    const Tensors inputs{random.tensor({2, 3}), random.tensor({2, 3}), random.tensor({2, 3}),
                         random.tensor({2, 3})};
    const Tensor<double> c = random.tensor({2, 4});
    const auto loss = [&](const Tensors& v) {
        Tensor<double> h = v[2];
        for (const Tensor<double>& x : inputs) {
            const Tensor<double> before = h;
            h = generate({2, 4}, [&](const Position& p) {
                double total = v[3][p[1]];
                for (std::size_t k = 0; k < 3; ++k) total += at(x, {p[0], k}) * at(v[0], {k, p[1]});
                for (std::size_t k = 0; k < 4; ++k) total += at(before, {p[0], k}) * at(v[1], {k, p[1]});
                return std::tanh(total);
            });
        }
        return inner({h}, {c});
    };
    Parameter<double> U("U", values[0]);
    Parameter<double> W("W", values[1]);
    Parameter<double> b("b", values[3]);
    Tape<double> tape;
    const Var<double> h0 = input(values[2]);
    Var<double> h = h0;
    for (const Tensor<double>& x : inputs) h = tanh(matmul(input(x), U) + matmul(h, W) + b);
    const auto g = gradient(std::vector<GradientRoot<double>>{{h, c}}, {U, W, h0, b});
    for (std::size_t k = 0; k < 4; ++k) check_close(g.at(k), derivative(loss, values, k), 1e-8);
}

TEST_CASE("gradient: NaN in an input reaches the gradient") {
    const double not_a_number = std::numeric_limits<double>::quiet_NaN();
    Tape<double> tape;
    const Var<double> x = input(vector({1, not_a_number, 2}));
    const Tensor<double> g = gradient(sum(tanh(x) * x), {x})[x];
    CHECK(std::isnan(g[1]));
    CHECK(std::isfinite(g[0]));
    CHECK(std::isfinite(g[2]));
    const Tensor<double> by_cotangent =
        gradient(std::vector<GradientRoot<double>>{{relu(x), vector({not_a_number, 1, 1})}}, {x})[x];
    CHECK(std::isnan(by_cotangent[0]));
}

TEST_CASE("gradient: cotangents are freed as the sweep goes") {
    constexpr std::size_t elements = 1 << 14;
    Tape<double> tape;
    const Var<double> x = input(filled({elements}, 0.1));
    Var<double> y = x;
    for (int i = 0; i < 200; ++i) y = sin(y);
    gradient(sum(y), {x});
    CHECK(tape.statistics().cotangent_bytes <= 4 * elements * sizeof(double));
    CHECK(tape.statistics().cotangent_bytes >= elements * sizeof(double));
}

TEST_CASE("gradients: they add up and scale, and say their norm") {
    Parameter<double> W("W", vector({1, 2}));
    Parameter<double> b("b", vector({3}));
    const auto of = [&](double factor) {
        Tape<double> tape;
        return gradient(sum(W * W) * factor + sum(b) * factor, {W, b});
    };
    Gradients<double> total = of(1);
    total += of(2);
    total += total;
    total *= 0.5;
    check_close(total[W], vector({6, 12}));
    check_close(total[b], vector({3}));
    CHECK(total.norm() == doctest::Approx(std::sqrt(36.0 + 144 + 9)));
    const Gradients<double> huge({W, b}, {vector({3e200, 0}), vector({-4e200})});
    CHECK(huge.norm() == doctest::Approx(5e200));
    const Gradients<double> tiny({W, b}, {vector({3e-300, 0}), vector({4e-300})});
    CHECK(tiny.norm() == doctest::Approx(5e-300));
    CHECK(Gradients<double>({W, b}, {vector({0, 0}), vector({0})}).norm() == 0);
    Parameter<float> f("f", rounded<float>(vector({0, 0})));
    Gradients<float> narrow({f, f},
                            {rounded<float>(vector({3e20, 4e20})), rounded<float>(vector({3e20, 4e20}))});
    CHECK(narrow.norm() == doctest::Approx(5e20));
    narrow *= 2;
    CHECK(narrow.norm() == doctest::Approx(1e21));
}

TEST_CASE("gradients: what is listed twice counts once in the norm, a Var as well") {
    Parameter<double> W("W", vector({3, 4}));
    Tape<double> tape;
    const Var<double> x = input(vector({1}));
    const Gradients<double> g = gradient(sum(W * x), {W, x, W, x});
    CHECK(g.norm() == doctest::Approx(std::sqrt(1 + 1 + 49.0)));
}

TEST_CASE("gradients: those of another list are not added, and nothing changes") {
    Parameter<double> W("W", vector({1, 2}));
    Parameter<double> b("b", vector({3}));
    Gradients<double> total({W, b}, {vector({1, 2}), vector({3})});
    const auto refused = [&](const Gradients<double>& more) {
        return text_of<std::invalid_argument>([&] { total += more; });
    };
    CHECK(refused({{W}, {vector({1, 2})}}) ==
          "gradients +=: one list asks for 2 and the other for 1; they must ask for the same, in the same "
          "order");
    CHECK(refused({{W, W}, {vector({1, 2}), vector({1, 2})}}) ==
          "gradients +=: at place 1 one list asks for parameter 'b' [1] and the other for parameter 'W' [2]; "
          "they "
          "must ask for the same, in the same order");
    CHECK(refused({{W, b}, {vector({1, 2}), vector({1, 2})}}) ==
          "gradients +=: at place 1 (parameter 'b' [1]) one gradient is [1] and the other [2]");
    check_same_bits(total[W], vector({1, 2}));
}

TEST_CASE("var: compound assignment lets the handle refer to the result") {
    Parameter<double> W("W", vector({2, 3}));
    Tape<double> tape;
    Var<double> x = input(vector({4, 5}));
    const Var<double> before = x;
    x += W;
    x *= x;
    x -= 1;
    x /= vector({5, 7});
    check_close(x.value(), vector({35.0 / 5, 63.0 / 7}));
    check_close(before.value(), vector({4, 5}));
    const auto g = gradient(sum(x), {W, before});
    check_close(g[W], vector({2 * 6.0 / 5, 2 * 8.0 / 7}));
    check_close(g[before], g[W]);
    CHECK(tape.describe(x.index()).starts_with("divide (gradient_test.cpp:"));
    const Var<double> kept = x;
    CHECK(text_of<std::invalid_argument>([&] { x += vector({1, 2, 3}); }) != "");
    CHECK(x.is(kept));
}
