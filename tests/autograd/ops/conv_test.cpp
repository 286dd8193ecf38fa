#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/ops/conv.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("conv1d: the weights are not flipped, and padding is at both ends") {
    Tape<double> tape;
    const Var<double> x = input(tensor({1, 1, 4}, {1, 2, 3, 4}));
    check_close(conv1d(x, tensor({1, 1, 3}, {1, 10, 100}), {.padding = 1}).value(),
                tensor({1, 1, 4}, {210, 321, 432, 43}));
    check_close(conv1d(x, tensor({1, 1, 2}, {1, 10}), {.stride = 2}).value(), tensor({1, 1, 2}, {21, 43}));
}

TEST_CASE("conv2d: a bias is added to each output") {
    Tape<double> tape;
    const Var<double> y =
        conv2d(input(filled({2, 3, 4, 5}, 1)), filled({2, 3, 2, 2}, 1)) + tensor({2, 1, 1}, {10, 20});
    CHECK(y.shape() == Shape{2, 2, 3, 4});
    check_close(sum(y, {0, 2, 3}).value(), vector({24 * 22, 24 * 32}));
}

TEST_CASE("conv2d: threads that share the patches change no bit") {
    Random random("threads");
    const Tensor<double> image = random.tensor({2, 8, 40, 40});
    const Tensor<double> weights = random.tensor({4, 8, 3, 3});
    const auto run = [&] {
        Tape<double> tape;
        const Var<double> x = input(image);
        const Var<double> y = conv2d(x, weights, {.stride = {1, 2}, .padding = 1});
        return std::pair{y.value(), gradient(sum(square(y)), {x})[x]};
    };
    const auto shared = run();
    const OneThread alone;
    const auto single = run();
    check_same_bits(shared.first, single.first);
    check_same_bits(shared.second, single.second);
}

TEST_CASE("max_pool2d: equal elements share, padding takes nothing, NaN and -inf come through") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Tape<double> tape;
    const Var<double> x = input(tensor({1, 1, 2, 4}, {7, 7, -5, nan, 7, 0, -8, 1}));
    const Var<double> y = max_pool2d(x, 2);
    check_close(y.value(), tensor({1, 1, 1, 2}, {7, nan}));
    const std::vector<GradientRoot<double>> first{{y, tensor({1, 1, 1, 2}, {3, 0})}};
    CHECK(gradient(first, {x})[x](0, 0, 0, 0) == 1);
    CHECK(gradient(first, {x})[x](0, 0, 1, 1) == 0);
    const Var<double> negative = input(tensor({1, 1, 3}, {-3, -2, -infinity}));
    check_close(max_pool1d(negative, 2, {.stride = 2, .padding = 1}).value(), tensor({1, 1, 2}, {-3, -2}));
    check_close(mean_pool1d(negative, 2, {.stride = 5, .padding = 1}).value(), tensor({1, 1, 1}, {-1.5}));
}
