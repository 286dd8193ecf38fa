#include <tests/autograd/check/right_functions.hpp>

#include <autograd/autograd.hpp>

#include <limits>

// Parts of networks, and small linear algebra that is ill-conditioned.

namespace tapeloop::test {
namespace {

/// The inverse of a matrix [2, 2].
template <class V>
auto inverse_of(const V& A) {
    const auto a = reshape(A, {4});
    const auto at = [&](std::ptrdiff_t i) { return slice(a, 0, i, i + 1); };
    const auto determinant = at(0) * at(3) - at(1) * at(2);
    return reshape(concatenate({at(3), -at(1), -at(2), at(0)}, 0) / determinant, {2, 2});
}

template <class V>
auto normalised(const V& x, double epsilon) {
    const auto centred = x - mean(x, {-1}, true);
    return centred / sqrt(mean(square(centred), {-1}, true) + epsilon);
}

/// The inverse by Newton's iteration, from a start that is far from it.
template <class V>
auto inverse_by_products(const V& A, int times) {
    auto X = transpose(A) / sum(square(A));
    for (int i = 0; i < times; ++i) X = 2 * X - matmul(matmul(X, A), X);
    return X;
}

const auto causal = [](const auto& scores) {
    return constant_for(scores, tensor({3, 3}, {0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0}));
};
const auto minus_infinity = [](const auto& scores) {
    const double none = -std::numeric_limits<double>::infinity();
    return constant_for(scores, tensor({3, 3}, {0, none, none, 0, 0, none, 0, 0, 0}));
};

}  // namespace

std::vector<RightFunction> right_functions_of_networks() {
    const Tensor<double> x = Random(3).tensor({3, 4});
    const Tensor<double> square_one = Random(4).tensor({3, 3});
    const Tensor<double> W = Random(5).tensor({4, 3});
    const Tensor<double> b = Random(6).tensor({4});
    const Tensor<double> nearly_singular = tensor({2, 2}, {1, 2, 0.5, 1 + 1e-5});
    const Tensor<double> scaled = tensor({2, 2}, {1e8, 1, 1, 1e-6});
    return {
        {"softmax of huge logits", [](const auto& v) { return softmax(300 * v); }, x},
        {"cross entropy of huge logits",
         [](const auto& v) { return -sum(slice(log_softmax(300 * v), 1, 0, 1)); }, x},
        {"entropy of a sure choice",
         [](const auto& v) { return -sum(softmax(20 * v) * log_softmax(20 * v)); }, x},
        {"divergence of near ones",
         [](const auto& v, const auto& w) {
             return sum(softmax(v) * (log_softmax(v) - log_softmax(v + 1e-4 * w)));
         },
         x, x},
        {"a bias in front of softmax",
         [](const auto& v, const auto& bias) { return log_softmax(v + sum(bias)); }, x, b},
        {"the sum of softmax", [](const auto& v) { return sum(softmax(v), {1}); }, x},
        {"a temperature of 1e-3", [](const auto& v) { return softmax(v / 1e-3); }, x},
        {"softmax of a mask of -1e9", [](const auto& v) { return softmax(v + causal(v)); }, square_one},
        {"softmax of a mask of -inf", [](const auto& v) { return softmax(v + minus_infinity(v)); },
         square_one},
        {"logsumexp of a mask of -1e9", [](const auto& v) { return logsumexp(v + causal(v), {1}); },
         square_one},
        {"attention",
         [](const auto& v, const auto& w) {
             return matmul(softmax(matmul(v, w) / 0.01 + causal(matmul(v, w))), v);
         },
         x, W},
        {"layer norm", [](const auto& v) { return normalised(v, 1e-5); }, x},
        {"layer norm of nearly equal ones", [](const auto& v) { return normalised(1 + 1e-5 * v, 1e-12); }, x},
        {"layer norm of equal ones", [](const auto& v) { return normalised(0 * v + v, 1e-5); },
         filled({2, 3}, 0.5)},
        {"layer norm of an offset", [](const auto& v) { return normalised(v + 1e4, 1e-5); }, x},
        {"the sum of a layer norm", [](const auto& v) { return sum(normalised(v, 1e-5)); }, x},
        {"a bias in front of a layer norm",
         [](const auto& v, const auto& bias) { return normalised(v + sum(bias), 1e-5); }, x, b},
        {"a scale in front of a layer norm",
         [](const auto& v, const auto& bias) { return normalised(v * (2 + sum(bias)), 0); }, x, b},
        {"the sum of centred ones", [](const auto& v) { return sum(v - mean(v)); }, x},
        {"cosine of near ones", [](const auto& v, const auto& w) { return sum(v * w) / (norm(v) * norm(w)); },
         x, x},
        {"cosine of huge and tiny ones",
         [](const auto& v, const auto& w) {
             return sum(v * w) / (norm(1e8 * v) * norm(1e-8 * transpose(w)));
         },
         x, x},
        {"weight norm", [](const auto& v, const auto& w) { return matmul(v, w / norm(w, {0}, true)); }, x, W},
        {"a product with zeros", [](const auto& v, const auto& w) { return matmul(0 * v, w); }, x, W},
        {"a product with its transpose",
         [](const auto& v) {
             return matmul(v, v, {false, true});
         },
         x},
        {"a product of scales", [](const auto& v, const auto& w) { return matmul(1e8 * v, 1e-8 * w); }, x, W},
        {"a product whose terms cancel",
         [](const auto& v, const auto& w) { return matmul(v + 1e6, w - mean(w, {0}, true)); }, x, W},
        {"affine without an effect",
         [](const auto& v, const auto& bias) {
             return affine(v, constant_for(v, filled({4, 4}, 0)), 1e-3 * bias);
         },
         x, b},
        {"outer of huge and tiny ones", [](const auto& v) { return outer(1e8 * v, 1e-8 * v); }, b},
        {"dot of orthogonal ones",
         [](const auto& v) {
             return dot(v, v * constant_for(v, vector({1, -1, 1, -1})));
         },
         vector({1, 1, 1e-8, 1e-8})},
        {"einsum of three",
         [](const auto& v, const auto& w) { return einsum("ij,jk,ik->k", v, w, 1e3 * matmul(v, w)); }, x, W},
        {"rows named twice",
         [](const auto& v) {
             return gather_rows(v, {0, 2, 2, 2, 0}) * 1e3;
         },
         x},
        {"rows added where others are",
         [](const auto& v) {
             return square(scatter_add(v, {0, 0, 1}, 1e6 * v));
         },
         x},
        {"an axis named twice", [](const auto& v) { return einsum("ii->i", v) * 2; }, square_one},
        {"conv1d of scales",
         [](const auto& v, const auto& w) {
             return conv1d(reshape(1e4 * v, {1, 3, 4}), reshape(1e-4 * w, {2, 3, 2}));
         },
         x, W},
        {"conv2d of ties under a maximum",
         [](const auto& v) {
             return max_pool2d(conv2d(reshape(v, {1, 1, 3, 3}), constant_for(v, filled({1, 1, 1, 1}, 1))), 2);
         },
         tensor({3, 3}, {1, 1, 0, 1, 1, 0, 0, 0, 0})},
        {"dropout by a constant",
         [](const auto& v) {
             return 2 * v * constant_for(v, tensor({4}, {1, 0, 0, 1}));
         },
         x},
        {"a loss of one right answer", [](const auto& v) { return mean(square(v - v * 1)); }, x},
        {"a loss that is nearly 0", [](const auto& v) { return mean(square(1e-6 * v)); }, x},
        {"Huber of large errors", [](const auto& v) { return mean(sqrt(1 + square(1e6 * v)) - 1); }, x},
        {"log-cosh of large errors",
         [](const auto& v) { return mean(abs(300 * v) + softplus(-2 * abs(300 * v))); }, x},
        {"focal loss", [](const auto& v) { return -sum(pow(1 - sigmoid(8 * v), 2.0) * log_sigmoid(8 * v)); },
         x},
        {"clipped ratio", [](const auto& v) { return minimum(exp(v) * 2, clip(exp(v), 0.8, 1.2) * 2); },
         vector({0, 0.1823215567, -0.2231435513, 1})},
        {"determinant, nearly singular",
         [](const auto& A) {
             const auto a = reshape(A, {4});
             return slice(a, 0, 0, 1) * slice(a, 0, 3, 4) - slice(a, 0, 1, 2) * slice(a, 0, 2, 3);
         },
         nearly_singular},
        {"inverse, nearly singular", [](const auto& A) { return inverse_of(A); }, nearly_singular},
        {"inverse of scales", [](const auto& A) { return inverse_of(A); }, scaled},
        {"a solve, nearly singular",
         [](const auto& A, const auto& v) {
             return matmul(inverse_of(A), reshape(v, {2, 2}));
         },
         nearly_singular, b},
        {"A times its inverse", [](const auto& A) { return matmul(A, inverse_of(A)); }, nearly_singular},
        {"a ridge",
         [](const auto& A) {
             return inverse_of(matmul(A, A, {true, false}) +
                               constant_for(A, tensor({2, 2}, {1e-3, 0, 0, 1e-3})));
         },
         nearly_singular},
        {"inverse by products", [](const auto& A) { return inverse_by_products(A, 12); },
         tensor({3, 3}, {2, 1, 0, 1, 2, 1, 0, 1, 2})},
        {"inverse by products that has not settled", [](const auto& A) { return inverse_by_products(A, 6); },
         square_one},
        {"orthogonal parts of near ones",
         [](const auto& v, const auto& w) { return w - v * (sum(v * w) / sum(v * v)); }, b, 1.0 * b + 1e-6},
        {"Cholesky by hand",
         [](const auto& A) {
             const auto a = reshape(A, {4});
             const auto l = slice(a, 0, 1, 2) / sqrt(slice(a, 0, 0, 1));
             return sqrt(slice(a, 0, 3, 4) - l * l);
         },
         tensor({2, 2}, {1, 0.999, 0.999, 1})},
        {"roots of a parabola", [](const auto& v) { return (-v + sqrt(v * v - 4e-6)) / 2; },
         vector({1, 0.01, 100})},
    };
}

}  // namespace tapeloop::test
