#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// A x B, of matrices; transposed as told.
Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b, bool transpose_a = false) {
    const std::size_t rows = a.shape()[transpose_a ? 1 : 0];
    const std::size_t count = a.shape()[transpose_a ? 0 : 1];
    return generate({rows, b.shape()[1]}, [&](const Position& p) {
        double total = 0;
        for (std::size_t k = 0; k < count; ++k)
            total += (transpose_a ? at(a, {k, p[0]}) : at(a, {p[0], k})) * at(b, {k, p[1]});
        return total;
    });
}

/// The sum over t of x(t) transposed times g(t), for x [T, B, I] and g [T, B, O].
Tensor<double> sum_of_products(const Tensor<double>& x, const Tensor<double>& g) {
    const auto as_rows = [](const Tensor<double>& v) {
        return tensor({v.shape()[0] * v.shape()[1], v.shape()[2]}, {v.begin(), v.end()});
    };
    return product(as_rows(x), as_rows(g), true);
}

}  // namespace

TEST_CASE("matmul: an inner size of 0 gives zeros, and zeros for gradients") {
    Tape<double> tape;
    const Var<double> a = input(filled({3, 0}, 0));
    const Var<double> b = input(filled({0, 4}, 0));
    check_same_bits(matmul(a, b).value(), filled({3, 4}, 0));
    const auto g = gradient(sum(matmul(a, b)), {a, b});
    CHECK(shape_of(g[a]) == Shape{3, 0});
    CHECK(shape_of(g[b]) == Shape{0, 4});
    // The memory it is written to may have held something before.
    for (int i = 0; i < 3; ++i) {
        static_cast<void>(exp(input(filled({3, 4}, 1))));
        check_same_bits(matmul(a, b).value(), filled({3, 4}, 0));
    }
    const Var<double> many = input(filled({20, 100, 0}, 0));
    const auto of_many = gradient(sum(matmul(many, b)), {b, many});
    CHECK(shape_of(of_many[b]) == Shape{0, 4});
    const auto with_bias = gradient(sum(affine(many, b, vector({1, 2, 3, 4}))), {b, many});
    CHECK(shape_of(with_bias[many]) == Shape{20, 100, 0});
}

// A weight's products are collected until they are worth a product of their own: below that size, around it,
// far above it, and mixed.
TEST_CASE(
    "matmul: a weight used at many time steps gets the sum of its gradients, however they are collected") {
    for (const auto& [steps, batch] : {std::pair{1U, 3U},
                                       {7U, 100U},
                                       {40U, 30U},
                                       {3U, 511U},
                                       {3U, 512U},
                                       {2U, 700U},
                                       {5U, 1023U},
                                       {11U, 128U}}) {
        CAPTURE(steps);
        CAPTURE(batch);
        Random random("steps");
        const Tensor<double> x = random.tensor({steps, batch, 3});
        const Tensor<double> c = random.tensor({steps, batch, 2});
        Parameter<double> W("W", random.tensor({3, 2}));
        Parameter<double> V("V", random.tensor({3, 2}));
        Tape<double> tape;
        std::vector<GradientRoot<double>> roots;
        for (std::size_t t = 0; t < steps; ++t) {
            const Tensor<double> c_t = part_of(c, 0, t, 1);
            const Tensor<double> x_t = part_of(x, 0, t, 1);
            const Var<double> here = input(tensor({batch, 3}, {x_t.begin(), x_t.end()}));
            const Tensor<double> here_c = tensor({batch, 2}, {c_t.begin(), c_t.end()});
            roots.push_back({matmul(here, W), here_c});
            if (t % 2 == 0) roots.push_back({matmul(here, V), here_c});
        }
        // One that is not a product of two matrices, and one that is a part of it.
        roots.push_back({W * 2, filled({3, 2}, 1)});
        const auto g = gradient(roots, {W, V});
        check_close(g[W], sum_of_products(x, c) + 2.0, 1e-11);
        Tensor<double> even = c;
        for (std::size_t t = 1; t < steps; t += 2)
            for (std::size_t i = 0; i < batch * 2; ++i) even.data()[t * batch * 2 + i] = 0;
        check_close(g[V], sum_of_products(x, even), 1e-11);
    }
}

TEST_CASE("matmul: a weight that is computed gets its gradient before it passes it on") {
    Random random("computed");
    const Tensor<double> value = random.tensor({4, 4});
    const Tensor<double> x = random.tensor({5, 4});
    const auto loss = [&](const Tensors& w) {
        const Tensor<double> bounded = each(w[0], [](double v) { return v * v; });
        Tensor<double> h = x;
        for (int t = 0; t < 3; ++t) h = product(h, bounded);
        return inner({h}, {filled({5, 4}, 1)});
    };
    Tape<double> tape;
    const Var<double> w = input(value);
    const Var<double> squared = w * w;
    Var<double> h = input(x);
    for (int t = 0; t < 3; ++t) h = matmul(h, squared);
    check_close(gradient(sum(h), {w})[w], derivative(loss, {value}, 0), 1e-8);
    check_close(gradient_graph(sum(h), {w})[w].value(), gradient(sum(h), {w})[w]);
}

TEST_CASE("matmul: one weight serves all batches, and equals the loop over them") {
    Random random("batches");
    const Tensor<double> x = random.tensor({6, 5, 4});
    Parameter<double> W("W", random.tensor({4, 3}));
    const Tensor<double> c = random.tensor({6, 5, 3});
    Tape<double> tape;
    const auto at_once = gradient(std::vector<GradientRoot<double>>{{matmul(input(x), W), c}}, {W});
    check_close(at_once[W], sum_of_products(x, c), 1e-12);
    const auto affine_at_once = gradient(std::vector<GradientRoot<double>>{{affine(input(x), W, 0), c}}, {W});
    check_close(affine_at_once[W], sum_of_products(x, c), 1e-12);
}

TEST_CASE("matmul: large enough for every path of the libraries below, in both kinds") {
    Random random("large");
    const Tensor<double> a = as_double(rounded<float>(random.tensor({70, 130})));
    const Tensor<double> b = as_double(rounded<float>(random.tensor({130, 90})));
    const Tensor<double> expected = product(a, b);
    const auto check = [&](auto zero, double tolerance) {
        using T = decltype(zero);
        Tape<T> tape;
        const Var<T> x = input(rounded<T>(a));
        const Var<T> y = input(rounded<T>(b));
        check_close(as_double(matmul(x, y).value()), expected, tolerance);
        check_close(as_double(matmul(transpose(x), y, {.a = true, .b = false}).value()), expected, tolerance);
        check_close(as_double(matmul(x, transpose(y), {.a = false, .b = true}).value()), expected, tolerance);
        check_close(as_double(matmul(transpose(x), transpose(y), {.a = true, .b = true}).value()), expected,
                    tolerance);
        check_close(as_double(affine(x, y, 1).value()), expected + 1.0, tolerance);
    };
    check(0.0, 1e-12);
    check(0.0f, 1e-4);
}

// Matrices that come again are read from copies, which must not be taken for those of another matrix: one
// that lies at the same place under another shape, or one that has come to lie where a cotangent was.
TEST_CASE("matmul: large products that repeat keep their matrices apart") {
    Random random("repeated");
    const auto transposed = [](const Tensor<double>& x) {
        return generate({x.shape()[1], x.shape()[0]}, [&](const Position& p) { return at(x, {p[1], p[0]}); });
    };
    Parameter<double> W("W", random.tensor({64, 64}));
    Tape<double> tape;
    const Tensor<double> x = random.tensor({128, 64});
    const Tensor<double> narrow = random.tensor({128, 32});
    const Tensor<double> reshaped = tensor({128, 32}, {W.value().begin(), W.value().end()});
    for (int t = 0; t < 4; ++t) {
        CAPTURE(t);
        check_close(matmul(input(x), W, {.a = false, .b = true}).value(), product(x, transposed(W.value())),
                    1e-11);
        check_close(matmul(input(x), W).value(), product(x, W.value()), 1e-11);
        check_close(matmul(input(narrow), reshape(W, {128, 32}), {.a = false, .b = true}).value(),
                    product(narrow, transposed(reshaped)), 1e-11);
    }

    for (const Transposed kind : {Transposed{}, {true, false}, {false, true}, {true, true}}) {
        CAPTURE(kind.a);
        CAPTURE(kind.b);
        std::vector<Var<double>> factors;
        std::vector<GradientRoot<double>> roots;
        Tensors expected;
        for (int t = 0; t < 3; ++t) {
            const Tensor<double> a = random.tensor({24, 24});
            const Tensor<double> b = random.tensor({24, 512});
            const Tensor<double> c = random.tensor({24, 512});
            factors.push_back(input(kind.a ? transposed(a) : a));
            factors.push_back(input(kind.b ? transposed(b) : b));
            const Var<double> y = matmul(factors[factors.size() - 2], factors.back(), kind);
            // One more operation, so that the cotangent of the product lies in memory that is used again.
            roots.push_back({y * 2, c});
            const Tensor<double> of_a = product(c * 2.0, transposed(b));
            const Tensor<double> of_b = product(transposed(a), c * 2.0);
            expected.push_back(kind.a ? transposed(of_a) : of_a);
            expected.push_back(kind.b ? transposed(of_b) : of_b);
        }
        const auto g = gradient(roots, std::vector<Wrt<double>>(factors.begin(), factors.end()));
        for (std::size_t i = 0; i < factors.size(); ++i) {
            CAPTURE(i);
            check_close(g.at(i), expected[i], 1e-11);
        }
    }
}

TEST_CASE("matmul: NaN and infinity pass, and a zero beside them does not hide them") {
    const double not_a_number = std::numeric_limits<double>::quiet_NaN();
    Tape<double> tape;
    const Var<double> a = input(tensor({2, 2}, {not_a_number, 0, 0, 1}));
    const Var<double> b = input(filled({2, 2}, 0));
    const Tensor<double> y = matmul(a, b).value();
    CHECK(std::isnan(y(0, 0)));
    CHECK(y(1, 1) == 0);
    CHECK(std::isnan(gradient(sum(matmul(a, b)), {b})[b](0, 0)));
}

TEST_CASE("affine: equals the product and the sum") {
    Random random("affine");
    Tape<double> tape;
    const Var<double> x = input(random.tensor({2, 5, 4}));
    const Var<double> W = input(random.tensor({4, 3}));
    const Tensor<double> c = random.tensor({2, 5, 3});
    for (const Shape& shape : {Shape{3}, Shape{2, 5, 3}, Shape{5, 1}, Shape{}}) {
        CAPTURE(shape.text());
        const Var<double> b = input(random.tensor(shape));
        const auto fused = gradient(std::vector<GradientRoot<double>>{{affine(x, W, b), c}}, {x, W, b});
        const auto plain = gradient(std::vector<GradientRoot<double>>{{matmul(x, W) + b, c}}, {x, W, b});
        check_close(affine(x, W, b).value(), (matmul(x, W) + b).value(), 1e-13);
        for (std::size_t i = 0; i < 3; ++i) check_close(fused.at(i), plain.at(i), 1e-13);
    }
}
