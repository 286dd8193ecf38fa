#include <tests/autograd/check/right_functions.hpp>

#include <autograd/autograd.hpp>

// Huge, tiny and mixed scales, saturation, cancellation, and structure that is finer than a step.

namespace tapeloop::test {

std::vector<RightFunction> right_functions_of_scales() {
    const Tensor<double> scales = vector({1e-8, 1e8, -1e-8, 3e7, 1, -1e-3});
    const Tensor<double> small = vector({1e-12, -1e-9, 1e-7, 1e-4, 0.5});
    const Tensor<double> large = vector({-800, -40, -9, 9, 40, 800});
    const Tensor<double> some = Random(2).tensor({6});
    return {
        {"square", [](const auto& x) { return square(x); }, scales},
        {"square of huge ones", [](const auto& x) { return square(x); }, vector({1e100, -1e80, 1e-100})},
        {"cube", [](const auto& x) { return x * x * x; }, scales},
        {"sum of squares", [](const auto& x) { return sum(square(x)); }, scales},
        {"product of neighbours", [](const auto& x) { return x * roll(x, 1, 0); }, scales},
        {"quotient of neighbours", [](const auto& x) { return x / roll(x, 1, 0); }, scales},
        {"reciprocal", [](const auto& x) { return 1 / x; }, vector({1e-7, -2e-7, 1e-3, 1e6, 1e-20})},
        {"reciprocal squared", [](const auto& x) { return 1 / square(x); }, vector({1e-4, -1e4, 1})},
        {"pole beside", [](const auto& x) { return 1 / (1 - x); }, vector({1 - 1e-7, 1 + 1e-5, 0.5})},
        {"log", [](const auto& x) { return log(x); }, vector({1e-30, 1e-7, 1, 1e30})},
        {"log beside its edge", [](const auto& x) { return log(1 - x); }, vector({1 - 1e-7, 0.9, -1e6})},
        {"x log x", [](const auto& x) { return x * log(x); }, vector({1e-12, 1e-6, 1, 1e6})},
        {"exp", [](const auto& x) { return exp(x); }, vector({-700, -80, 0, 20, 80, 700})},
        {"exp that is 0", [](const auto& x) { return exp(x); }, vector({-1e4, -2e3, 1})},
        {"exp of minus a square", [](const auto& x) { return exp(-square(x)); }, vector({30, 5, -0.1, 1e-9})},
        {"exp of minus a reciprocal", [](const auto& x) { return exp(-1 / square(x)); },
         vector({0.05, 0.2, 1, 1e-3})},
        {"expm1", [](const auto& x) { return expm1(x); }, small},
        {"log1p", [](const auto& x) { return log1p(x); }, small},
        {"log1p beside -1", [](const auto& x) { return log1p(x); }, vector({-1 + 1e-9, -1 + 1e-4, 1e9})},
        {"sinh by exp", [](const auto& x) { return (exp(x) - exp(-x)) / 2; }, small},
        {"tanh, saturated", [](const auto& x) { return tanh(x); }, large},
        {"sigmoid, saturated", [](const auto& x) { return sigmoid(x); }, large},
        {"softplus, saturated", [](const auto& x) { return softplus(x); }, large},
        {"log_sigmoid, saturated", [](const auto& x) { return log_sigmoid(x); }, large},
        {"gelu, saturated", [](const auto& x) { return gelu(x); }, large},
        {"silu, saturated", [](const auto& x) { return silu(x); }, large},
        {"erf, saturated", [](const auto& x) { return erf(x); }, large},
        {"erfc, saturated", [](const auto& x) { return erfc(x); }, vector({20, 5, -5, 0})},
        {"log of sigmoid", [](const auto& x) { return log(sigmoid(x)); }, vector({-30, -5, 5, 20})},
        {"1 minus tanh", [](const auto& x) { return 1 - tanh(x); }, vector({9, 15, 0, -9})},
        {"tanh, steep", [](const auto& x) { return tanh(x / 1e-8); }, vector({1.3e-8, 0, 1e-3, -2e-8})},
        {"tanh, so steep that it is a step", [](const auto& x) { return tanh(1e15 * x); },
         vector({0.3, -0.3, 1e-3})},
        {"sigmoid, steep", [](const auto& x) { return sigmoid((x - 0.25) / 1e-9); },
         vector({0.25, 0.25 + 1e-9, 0.3})},
        {"softplus, steep", [](const auto& x) { return softplus(1e7 * x) / 1e7; }, vector({0, 1e-8, -1, 1})},
        {"bell, narrow", [](const auto& x) { return exp(-square((x - 0.25) / 1e-6)); },
         vector({0.25, 0.25 + 1e-6, 0.5})},
        {"resonance, narrow", [](const auto& x) { return 1 / (1 + square((x - 0.25) / 1e-7)); },
         vector({0.25, 0.25 + 1e-7, 0.26})},
        {"sin, fast", [](const auto& x) { return sin(1e7 * x); }, vector({0.3, 1.1, -2.7})},
        {"sin, too fast for any step", [](const auto& x) { return sin(1e14 * x); }, vector({0.3, 1.1})},
        {"sin of a reciprocal", [](const auto& x) { return sin(1 / x); }, vector({1e-4, -3e-3, 1})},
        {"sin of a square", [](const auto& x) { return sin(square(x)); }, vector({1e3, -2e2, 1})},
        {"a wave on a line", [](const auto& x) { return x + 1e-6 * sin(1e6 * x); }, some},
        {"a wave that is small", [](const auto& x) { return x + 1e-12 * sin(1e9 * x); }, some},
        {"sinc", [](const auto& x) { return sin(x) / x; }, vector({1e-4, 1e-3, 1, 1e3})},
        {"tan beside its pole", [](const auto& x) { return sin(x) / cos(x); }, vector({1.5707, 1.57, 0.1})},
        {"cancellation: sqrt(1 + x) - 1", [](const auto& x) { return sqrt(1 + x) - 1; }, small},
        {"cancellation: over it", [](const auto& x) { return x / (sqrt(1 + x) - 1); },
         vector({1e-4, 0.1, 3})},
        {"cancellation: 1 - cos", [](const auto& x) { return 1 - cos(x); }, small},
        {"cancellation: (1 - cos) / x^2", [](const auto& x) { return (1 - cos(x)) / square(x); },
         vector({0.01, 0.1, 2})},
        {"cancellation: (x + 1e8) - 1e8", [](const auto& x) { return (x + 1e8) - 1e8; }, some},
        {"cancellation: (x^3 + 1e13) - 1e13", [](const auto& x) { return (x * x * x + 1e13) - 1e13; }, some},
        {"cancellation: exp - exp", [](const auto& x) { return exp(x + 1e-9) - exp(x); }, some},
        {"cancellation: x - x", [](const auto& x) { return x - x; }, some},
        {"cancellation: sin^2 + cos^2", [](const auto& x) { return square(sin(x)) + square(cos(x)); }, some},
        {"cancellation: exp(log(x))", [](const auto& x) { return exp(log(x)) - x; }, vector({0.5, 2, 1e5})},
        {"cancellation: the flat power",
         [](const auto& x) { return ((((((x - 7) * x + 21) * x - 35) * x + 35) * x - 21) * x + 7) * x - 1; },
         vector({1.0001, 0.9, 1.5, 1})},
        {"a small part of a large sum", [](const auto& x) { return sum(x) + 1e7; }, some},
        {"a small gradient", [](const auto& x) { return 1e-9 * sum(sin(x)); }, some},
        {"a tiny result", [](const auto& x) { return 1e-200 * sin(x); }, some},
        {"a huge result", [](const auto& x) { return 1e20 * sin(x); }, some},
        {"a huge offset in one result",
         [](const auto& x) {
             return concatenate({x * x, x + 1e12}, 0);
         },
         some},
        {"mean of an offset", [](const auto& x) { return mean(x + 1e6); }, some},
        {"variance of an offset", [](const auto& x) { return variance(x + 1e4); }, some},
        {"norm of mixed scales", [](const auto& x) { return norm(x); }, scales},
        {"norm of huge ones", [](const auto& x) { return norm(1e18 * x); }, some},
        {"norm of tiny ones", [](const auto& x) { return norm(1e-30 * x); }, some},
        {"logsumexp of gaps", [](const auto& x) { return logsumexp(x); }, vector({0, 1000, 999, -1000})},
        {"softmax of gaps", [](const auto& x) { return softmax(x); }, vector({0, 1000, 999, -1000})},
        {"log_softmax of gaps", [](const auto& x) { return log_softmax(x); }, vector({0, 1000, 999, -1000})},
        {"softmax, cold", [](const auto& x) { return softmax(1e6 * x); }, vector({0.5, 0.5 + 1e-6, 0.4})},
        {"a staircase", [](const auto& x) { return floor(1e4 * x) / 1e4; }, some},
        {"a staircase on a line", [](const auto& x) { return x + floor(1e4 * x); }, some},
        {"quantised inside", [](const auto& x) { return tanh(round(64 * x) / 64 + 0.01 * x); }, some},
    };
}

}  // namespace tapeloop::test
