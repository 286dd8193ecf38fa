#include <tests/expect.hpp>

#include <autograd/check/doctest.hpp>
#include <autograd/gradient.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/scan.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("cumprod: gradients of both orders with zeros among the factors") {
    const auto product = [](const auto& x) { return cumprod(x, 0); };
    for (const std::vector<double>& factors : std::vector<std::vector<double>>{
             {2, 0, 3, -1}, {0, 2, 3, 4}, {2, 3, 4, 0}, {0, 0, 3, 2}, {0, 2, 0, 2}, {0, 0, 0, 0}, {0}}) {
        CHECK_GRADIENT(product, {{"x", vector(factors)}}, {.order = 2});
    }
    Tape<double> tape;
    const Var<double> x = input(vector({2, 0, 3}));
    // 2, 2 x1, 6 x1
    check_close(gradient(sum(cumprod(x, 0)), {x})[x], vector({1, 8, 0}));
}

TEST_CASE("cumprod: a cotangent of zero stays zero beside an infinite factor") {
    Tape<double> tape;
    const Var<double> x = input(vector({2, std::numeric_limits<double>::infinity(), 3}));
    const std::vector<GradientRoot<double>> first{{cumprod(x, 0), vector({1, 0, 0})}};
    CHECK(gradient(first, {x})[x](2) == 0);
    CHECK(gradient(first, {x})[x](1) == 0);
}

TEST_CASE("cumsum: in float, of more elements than float can count") {
    Tape<float> tape;
    const std::size_t n = (std::size_t(1) << 24) + 9;
    const Var<float> ones = input(Tensor<float>(xt::ones<float>({n})));
    const Var<float> sums = cumsum(ones, 0);
    CHECK(sums.array().data()[n - 1] == static_cast<float>(n));
    CHECK(gradient(std::vector<GradientRoot<float>>{{sums, Tensor<float>(xt::ones<float>({n}))}},
                   {ones})[ones](0) == static_cast<float>(n));
}
