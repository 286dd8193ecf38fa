#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/derivatives.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

Tensor<double> numbers(const Shape& shape, std::uint64_t seed = 1) { return Random(seed).tensor(shape); }

/// The sum over the last axes of `x`'s shape: [..y, ..x] times x.
Tensor<double> applied(const Tensor<double>& jacobian, const Tensor<double>& x, const Shape& y) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(y);
    for (std::size_t o = 0; o < result.size(); ++o) {
        result.data()[o] = 0;
        for (std::size_t i = 0; i < x.size(); ++i)
            result.data()[o] += jacobian.data()[o * x.size() + i] * x.data()[i];
    }
    return result;
}

}  // namespace

TEST_CASE("derivatives: a Jacobian is the closed form's, with the result's axes first") {
    const Tensor<double> x = numbers({3});
    const Tensor<double> A = numbers({2, 3}, 2);
    const Tensor<double> J = jacobian(
        [&](const auto& v) {
            return square(matmul(A, reshape(v, {3, 1})));
        },
        x);
    REQUIRE(shape_of(J) == Shape{2, 1, 3});
    const Tensor<double> product = generate({2}, [&](const Position& p) {
        return at(A, {p[0], 0}) * at(x, {0}) + at(A, {p[0], 1}) * at(x, {1}) + at(A, {p[0], 2}) * at(x, {2});
    });
    check_close(J, generate({2, 1, 3}, [&](const Position& p) {
                    return 2 * at(product, {p[0]}) * at(A, {p[0], p[2]});
                }));
}

TEST_CASE("derivatives: a Hessian is the closed form's, and not symmetric by construction") {
    const Tensor<double> x = numbers({3});
    // x0² x1 + sin(x1 x2)
    const auto f = [](const auto& v) {
        const auto a = slice(v, 0, 0, 1);
        const auto b = slice(v, 0, 1, 2);
        const auto c = slice(v, 0, 2, 3);
        return sum(a * a * b + sin(b * c));
    };
    const double a = x.data()[0];
    const double b = x.data()[1];
    const double c = x.data()[2];
    const double s = std::sin(b * c);
    check_close(hessian(f, x), tensor({3, 3}, {2 * b, 2 * a, 0,                                 //
                                               2 * a, -c * c * s, std::cos(b * c) - b * c * s,  //
                                               0, std::cos(b * c) - b * c * s, -b * b * s}));
}

TEST_CASE("derivatives: products agree with the whole matrices") {
    const Tensor<double> x = numbers({2, 3});
    const Tensor<double> direction = numbers({2, 3}, 2);
    const Tensor<double> cotangent = numbers({2, 2}, 3);
    const Tensor<double> W = numbers({3, 2}, 4);
    const auto f = [&](const auto& v) { return tanh(matmul(v, W)); };
    const Tensor<double> J = jacobian(f, x);
    check_close(jacobian_vector_product(f, x, direction), applied(J, direction, {2, 2}));
    const Tensor<double> transposed_J = generate({2, 3, 2, 2}, [&](const Position& p) {
        return at(J, {p[2], p[3], p[0], p[1]});
    });
    check_close(vector_jacobian_product(f, x, cotangent), applied(transposed_J, cotangent, {2, 3}));
    const auto g = [&](const auto& v) { return sum(f(v) * square(f(v))); };
    check_close(hessian_vector_product(g, x, direction), applied(hessian(g, x), direction, {2, 3}));
}

TEST_CASE("derivatives: the Hessian of a whole model times directions") {
    Parameter<double> W("W", numbers({3, 2}));
    Parameter<double> b("b", numbers({2}, 2));
    const Tensor<double> x = numbers({4, 3}, 3);
    const std::vector<Tensor<double>> directions{numbers({3, 2}, 4), numbers({2}, 5)};
    Tape<double> tape;
    const Var<double> J = sum(square(tanh(affine(x, W, b))));
    const Gradients<double> product = hessian_vector_product(J, {W, b}, directions);
    const auto slope = [&](double amount, std::size_t k) {
        const Tensor<double> w = W.value() + amount * directions[0];
        const Tensor<double> c = b.value() + amount * directions[1];
        Parameter<double> moved_W("W", w);
        Parameter<double> moved_b("b", c);
        const Tape<double> inner;
        return gradient(sum(square(tanh(affine(x, moved_W, moved_b)))), {moved_W, moved_b}).at(k);
    };
    for (std::size_t k = 0; k < 2; ++k)
        check_close(product.at(k), (slope(1e-5, k) - slope(-1e-5, k)) / 2e-5, 1e-7);
}

TEST_CASE("derivatives: linear functions, constants and float have theirs") {
    const Tensor<double> x = numbers({2});
    check_close(hessian([](const auto& v) { return sum(3 * v); }, x), filled({2, 2}, 0));
    check_close(jacobian([](const auto& v) { return v; }, x), tensor({2, 2}, {1, 0, 0, 1}));
    check_close(jacobian_vector_product([](const auto& v) { return 2 * v; }, x, vector({1, -1})),
                vector({2, -2}));
    check_close(jacobian([](const auto&) { return input(vector({1, 2, 3})); }, x), filled({3, 2}, 0));
    const Tensor<float> y = rounded<float>(x);
    check_close(as_double(jacobian([](const auto& v) { return square(v); }, y)),
                tensor({2, 2}, {2.0 * y.data()[0], 0, 0, 2.0 * y.data()[1]}), 1e-6);
}

TEST_CASE("derivatives: what does not fit is refused") {
    const Tensor<double> x = numbers({2, 3});
    const auto f = [](const auto& v) { return square(v); };
    const auto text = [](auto&& call) { return text_of<std::invalid_argument>(call); };
    CHECK(contains(text([&] { hessian(f, x); }), "hessian: f gives [2, 3]"));
    CHECK(contains(text([&] { hessian_vector_product(f, x, x); }), "hessian_vector_product: f gives [2, 3]"));
    CHECK(contains(text([&] { jacobian_vector_product(f, x, numbers({3})); }),
                   "direction is [3]; it must be [2, 3]"));
    CHECK(contains(text([&] { vector_jacobian_product(f, x, numbers({6})); }),
                   "cotangent is [6]; it must be [2, 3]"));
    Tape<double> tape;
    const Var<double> J = sum(square(input(x)));
    CHECK(contains(text([&] { hessian_vector_product(J, WrtList<double>{J}, {}); }), "0 directions"));
    const Var<double> far = input(x);
    CHECK(contains(text_of<std::logic_error>([&] { jacobian([&](const auto&) { return far; }, x); }),
                   "another tape"));
}
