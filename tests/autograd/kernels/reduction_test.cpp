#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/kernels/reduction.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// The largest relative error of the sums of x to `shape`, beside sums in double.
template <class T>
double error_of_sums(const Shape& x_shape, const Shape& shape) {
    Tensor<double> exact_x = Random("sums").tensor(x_shape, 0.05, 0.15);
    const Tensor<T> x = rounded<T>(exact_x);
    exact_x = as_double(x);
    const Buffer<T> sums(shape);
    const Buffer<double> exact(shape);
    tapeloop::detail::sum_into(Array<T>(x), shape, tapeloop::detail::Target<T>{sums.data(), false});
    tapeloop::detail::sum_into(Array<double>(exact_x), shape,
                               tapeloop::detail::Target<double>{exact.data(), false});
    double worst = 0;
    for (std::size_t i = 0; i < sums.size(); ++i)
        worst = std::max(worst, std::abs(sums.data()[i] / exact.data()[i] - 1));
    return worst;
}

}  // namespace

TEST_CASE("sums: of a hundred thousand floats along any axes err by little more than one") {
    for (const auto& [x, shape] : {std::pair{Shape{100'000}, Shape{}},
                                   {Shape{100'000, 1}, Shape{1, 1}},
                                   {Shape{65'537, 3}, Shape{3}},
                                   {Shape{4'001, 129}, Shape{129}},
                                   {Shape{3, 65'537}, Shape{3, 1}},
                                   {Shape{2, 20'000, 5}, Shape{2, 1, 5}},
                                   {Shape{20'000, 2, 5}, Shape{2, 1}},
                                   {Shape{5'000, 4, 5'00}, Shape{4, 1}},
                                   {Shape{400, 3, 400, 2}, Shape{3, 1, 2}},
                                   {Shape{300, 2, 3, 5, 40}, Shape{2, 1, 5, 1}}}) {
        CAPTURE(x.text());
        CHECK(error_of_sums<float>(x, shape) < 2e-6);
    }
}

TEST_CASE("sums: of equal elements, of which a sum in order loses ever more") {
    Tape<float> tape;
    const std::size_t rows = 65'536;
    const auto tenths = [&](const Shape& shape) { return input(rounded<float>(filled(shape, 0.1))); };
    const double tenth = static_cast<double>(0.1F);
    CHECK(sum(tenths({rows, 2}), 0).value()[1] == doctest::Approx(rows * tenth).epsilon(2e-6));
    CHECK(sum(tenths({rows})).item() == doctest::Approx(rows * tenth).epsilon(2e-6));
    CHECK(mean(tenths({rows, 2}), 0).value()[1] == doctest::Approx(tenth).epsilon(2e-6));
    CHECK(sum(input(rounded<float>(filled({20'000'000}, 1)))).item() == 20'000'000);
}

TEST_CASE("sums: broadcasting is undone without losing digits, in operations, maps and products") {
    Tape<float> tape;
    const std::size_t rows = 65'536;
    const Var<float> x = input(rounded<float>(filled({rows, 3}, 0.1)));
    const Tensor<float> g = rounded<float>(filled({rows, 3}, 0.1));
    const double tenth = static_cast<double>(0.1F);
    const auto check = [&](const char* what, const auto& result, const Var<float>& b, double slope) {
        CAPTURE(what);
        const Tensor<double> first =
            as_double(gradient(std::vector<GradientRoot<float>>{{result, g}}, {b})[b]);
        const Tensor<double> recorded = as_double(gradient_graph(sum(result * input(g)), {b})[b].value());
        for (double element : first) CHECK(element == doctest::Approx(rows * slope).epsilon(4e-6));
        for (double element : recorded) CHECK(element == doctest::Approx(rows * slope).epsilon(4e-6));
    };
    const Var<float> b = input(rounded<float>(vector({1, 2, 3})));
    check("add", x + b, b, tenth);
    check("multiply", x * b, b, tenth * tenth);
    check("map", map([](auto u, auto v) { return u * v; }, x, b), b, tenth * tenth);
    const Var<float> scalar = input(rounded<float>(filled({1, 1}, 2)));
    check("scalar", x * scalar, scalar, 3 * tenth * tenth);
    const Var<float> W = input(rounded<float>(filled({3, 3}, 1)));
    check("matmul", matmul(x, W), W, tenth * tenth);
    check("affine", affine(x, W, b), b, tenth);
}

TEST_CASE("scatter_rows: a row that comes 65,536 times beside one that comes once") {
    Tape<float> tape;
    const std::size_t rows = 65'536;
    const Var<float> table = input(rounded<float>(filled({3, 2}, 1)));
    std::vector<std::ptrdiff_t> words(rows + 1, 2);
    words[7] = 0;
    const Var<float> y = gather_rows(table, words);
    const Tensor<float> g = rounded<float>(filled({rows + 1, 2}, 0.1));
    const Tensor<float> slopes = gradient(std::vector<GradientRoot<float>>{{y, g}}, {table})[table];
    CHECK(slopes(0, 0) == 0.1F);
    CHECK(slopes(1, 0) == 0);
    CHECK(slopes(2, 1) == doctest::Approx(rows * static_cast<double>(0.1F)).epsilon(1e-6));
}

TEST_CASE("gemm: inner products of 200,000 floats, either operand transposed, written and added") {
    const std::size_t k = 200'001;
#if defined(__FMA__)
    const double tolerance = 5e-6;
#else
    const double tolerance = 5e-5;  // each product is rounded, too
#endif
    for (std::size_t m : {1U, 3U, 20U})
        for (const Transposed transposed : {Transposed{true, false}, Transposed{false, true}, Transposed{}})
            for (float beta : {0.0F, 1.0F}) {
                CAPTURE(m);
                const std::size_t n = 5;
                const auto a = Array<float>::filled({m * k}, 0.1F);
                const auto b = Array<float>::filled({k * n}, 0.1F);
                const Buffer<float> c({m, n});
                std::fill_n(c.data(), c.size(), 1.0F);
                tapeloop::detail::gemm(transposed, m, n, k, a.data(), transposed.a ? m : k, b.data(),
                                       transposed.b ? k : n, beta, c.data(), n);
                const double exact = static_cast<double>(0.1F) * static_cast<double>(0.1F) * k + beta;
                for (float element : c.elements())
                    CHECK(element == doctest::Approx(exact).epsilon(tolerance));
            }
}
