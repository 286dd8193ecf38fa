#include <autograd/autograd.hpp>

#include <doctest/doctest.h>
#include <xtensor/xmath.hpp>

using namespace tapeloop;

// xtensor calls its own sum as `sum<void>(tensor)`, and finds ours beside it.
TEST_CASE("tensor: xtensor's reductions of it") {
    const Tensor<float> x{{1, 2}, {3, 6}};
    CHECK(xt::sum(x)() == 12);
    CHECK(xt::mean(x)() == 3);
    CHECK(xt::mean(x, {0})(1) == 4);
    CHECK(xt::variance(x)() == 3.5);
    CHECK(xt::amax(x)() == 6);
}
