#include <tests/autograd/check/right_functions.hpp>

#include <autograd/autograd.hpp>

// Beside kinks, jumps and ties, on them, and where the edge of a domain is near.

namespace tapeloop::test {
namespace {

/// Points beside `at`, to both sides and far nearer than any step, and the point itself.
Tensor<double> beside(double at) {
    return vector({at - 1e-3, at + 1e-6, at - 1e-9, at + 1e-9, at - 1e-12, at, at + 0.7});
}

}  // namespace

std::vector<RightFunction> right_functions_at_kinks() {
    const Tensor<double> ties = vector({1, 0, 1, 0, 1, 1 + 1e-9});
    const Tensor<double> table = tensor({3, 3}, {1, 1, 0, 2, 2 - 1e-10, 2, 0, 0, 0});
    return {
        {"relu", [](const auto& x) { return relu(x); }, beside(0)},
        {"relu at 0 alone", [](const auto& x) { return relu(x); }, vector({0, 0})},
        {"relu of small numbers", [](const auto& x) { return relu(x); }, 1e-4 * Random(1).tensor({500})},
        {"relu of a shift", [](const auto& x) { return relu(x - 0.3) - relu(x + 0.3); }, beside(0.3)},
        {"relu of a product", [](const auto& x) { return relu(x * (x - 1)); }, beside(1)},
        {"relu squared", [](const auto& x) { return square(relu(x)); }, beside(0)},
        {"relu, steep", [](const auto& x) { return relu(1e6 * x); }, beside(0)},
        {"relu, two kinks within a step", [](const auto& x) { return relu(x - 1e-8) - relu(x + 1e-8); },
         vector({0, 2e-8, -2e-8, 1e-8, 1})},
        {"leaky_relu", [](const auto& x) { return leaky_relu(x, 0.01); }, beside(0)},
        {"leaky_relu with a steep leak", [](const auto& x) { return leaky_relu(x, 50); }, beside(0)},
        {"leaky_relu as abs", [](const auto& x) { return leaky_relu(x, -1); }, beside(0)},
        {"elu", [](const auto& x) { return elu(x); }, beside(0)},
        {"elu with a kink", [](const auto& x) { return elu(x, 3); }, beside(0)},
        {"abs", [](const auto& x) { return abs(x); }, beside(0)},
        {"abs at 0 alone", [](const auto& x) { return abs(x); }, vector({0})},
        {"abs of a difference", [](const auto& x) { return abs(x - 0.1); },
         vector({static_cast<double>(0.1F), 0.1, 0.3})},
        {"abs of sin", [](const auto& x) { return abs(sin(1000 * x)); }, vector({0, 0.00314159265, 1e-9})},
        {"abs times x", [](const auto& x) { return abs(x) * x; }, beside(0)},
        {"clip", [](const auto& x) { return clip(x, -0.1, 0.1); },
         vector({static_cast<double>(0.1F), -0.1, 0.1 + 1e-9, -0.1 + 1e-9, 0.05})},
        {"clip to 0 .. 1", [](const auto& x) { return clip(x, 0, 1); }, vector({0, 1, 1e-10, 1 - 1e-10, 2})},
        {"clip, narrower than a step", [](const auto& x) { return clip(x, -1e-7, 1e-7); },
         vector({0, 1e-8, 2e-7, -2e-7})},
        {"clip squared", [](const auto& x) { return square(clip(x, -1, 1)); }, beside(1)},
        {"hard_sigmoid", [](const auto& x) { return hard_sigmoid(x); }, beside(3)},
        {"hard_sigmoid, lower bound", [](const auto& x) { return hard_sigmoid(x); }, beside(-3)},
        {"hard tanh of a sum", [](const auto& x) { return clip(sum(x), -1, 1); }, vector({0.5, 0.5, 1e-9})},
        {"maximum with a number", [](const auto& x) { return maximum(x, 0.25); }, beside(0.25)},
        {"maximum with the flipped", [](const auto& x) { return maximum(x, flip(x, 0)); }, ties},
        {"minimum with itself", [](const auto& x) { return minimum(x, x); }, ties},
        {"minimum of a line and a parabola", [](const auto& x) { return minimum(x, x * x); }, beside(1)},
        {"maximum of products of zeros", [](const auto& x) { return maximum(0 * x, -0.0 * x); }, ties},
        {"max of ties", [](const auto& x) { return max(x); }, ties},
        {"min of ties", [](const auto& x) { return min(x); }, ties},
        {"max of rows", [](const auto& x) { return max(x, {1}); }, table},
        {"max of columns", [](const auto& x) { return max(x, {0}); }, table},
        {"max minus min", [](const auto& x) { return max(x) - min(x); }, vector({2, 2 + 1e-9, 2 - 1e-9})},
        {"max of abs", [](const auto& x) { return max(abs(x)); }, vector({1, -1, 1 - 1e-9, 0})},
        {"max_pool1d of equal places",
         [](const auto& x) {
             return max_pool1d(reshape(x, {1, 1, 6}), 2);
         },
         ties},
        {"sort", [](const auto& x) { return sort(x).values * sort(x).values; }, ties},
        {"top_k", [](const auto& x) { return top_k(x, 2).values; }, ties},
        {"median", [](const auto& x) { return slice(sort(x).values, 0, 2, 4); }, ties},
        {"where: a line and a parabola", [](const auto& x) { return where(x < 0, -x, x * x); }, beside(0)},
        {"where: a jump", [](const auto& x) { return where(x < 0.3, sin(x), cos(x)); }, beside(0.3)},
        {"where: NaN in the other branch", [](const auto& x) { return where(x > 0, log(x), 2 * x); },
         vector({1e-3, -1e-3, 2, -1})},
        {"where: sqrt with its edge near by", [](const auto& x) { return where(x > 0, sqrt(x), 0 * x); },
         vector({1e-6, -1e-6, 4, 1e-12})},
        {"where: Huber", [](const auto& x) { return where(abs(x) < 1, 0.5 * x * x, abs(x) - 0.5); },
         beside(1)},
        {"where: shrinkage", [](const auto& x) { return where(abs(x) < 0.5, 0 * x, x - 0.5 * sign(x)); },
         beside(-0.5)},
        {"hinge", [](const auto& x) { return relu(1 - x); }, beside(1)},
        {"hinge, squared", [](const auto& x) { return square(relu(1 - x)); }, beside(1)},
        {"x over abs", [](const auto& x) { return x / abs(x) + x; }, vector({1e-7, -1e-7, 1, -1e-12})},
        {"sign times x", [](const auto& x) { return sign(x) * x; }, beside(0)},
        {"floor", [](const auto& x) { return floor(x) + x; }, beside(2)},
        {"ceil times x", [](const auto& x) { return ceil(x) * x; }, beside(3)},
        {"round", [](const auto& x) { return round(10 * x) / 10 + x; }, beside(0.25)},
        {"x minus round: a saw", [](const auto& x) { return x - round(x); }, beside(0.5)},
        {"mod", [](const auto& x) { return mod(x, 1.0); }, beside(1)},
        {"mod of a tenth", [](const auto& x) { return mod(x, 0.1); }, vector({0.3, 0.7, 0.35})},
        {"mod: a triangle wave", [](const auto& x) { return abs(mod(x, 2.0) - 1); }, beside(1)},
        {"norm of zeros", [](const auto& x) { return norm(x); }, vector({0, 0, 0})},
        {"norm of next to nothing", [](const auto& x) { return norm(x); }, vector({1e-9, -1e-9, 0})},
        {"norm of rows, one of zeros", [](const auto& x) { return norm(x, {1}); }, table},
        {"x over its norm", [](const auto& x) { return x / norm(x); }, vector({1e-7, -2e-7, 3e-7})},
        {"sqrt of a square", [](const auto& x) { return sqrt(square(x)); }, vector({1e-9, -1e-9, 1e-3, 2})},
        {"sqrt", [](const auto& x) { return sqrt(x); }, vector({1e-12, 1e-8, 1e-4, 4, 1e-30})},
        {"pow 1.5", [](const auto& x) { return pow(x, 1.5); }, vector({1e-12, 1e-9, 1e-4, 2})},
        {"pow 0.3 of abs", [](const auto& x) { return pow(abs(x), 0.3); }, vector({1e-6, -1e-6, 1e-9, 2})},
        {"prod with a zero", [](const auto& x) { return prod(x); }, vector({0, 2, 3})},
        {"prod with two zeros", [](const auto& x) { return prod(x); }, vector({0, 2, 0})},
        {"cumprod with zeros", [](const auto& x) { return cumprod(x, 0); }, vector({2, 0, 3, 0, 1})},
        {"log of abs", [](const auto& x) { return log(abs(x)); }, vector({1e-8, -1e-8, 1e-3, -5})},
        {"variance of equal ones", [](const auto& x) { return variance(x); }, vector({2, 2, 2})},
        {"deviation of nearly equal ones", [](const auto& x) { return sqrt(variance(x) + 1e-12); },
         vector({2, 2 + 1e-7, 2 - 1e-7})},
        {"logsumexp of ties", [](const auto& x) { return logsumexp(x); }, ties},
    };
}

}  // namespace tapeloop::test
