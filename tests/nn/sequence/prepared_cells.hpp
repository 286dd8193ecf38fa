#pragma once

#include <tests/expect.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>

/// Cells that make something of their parameters once per unroll, and others that do it in every step.
namespace tapeloop::test {

constexpr std::size_t width = 3;

/// h' = h + e tanh(x U + h (W - Wᵀ - g)) (Chang et al. 2019, arXiv:1902.09689), with the matrix made in every
/// step: what is compared with.
struct InEveryStep {
    Parameter<double> U, W;

    explicit InEveryStep(std::size_t inputs = width)
        : U("U", Random("U").tensor({inputs, width})), W("W", Random("W").tensor({width, width})) {}
    Var<double> matrix() const { return W - transpose(W) - 0.1 * nn::identity<double>(width); }
    Var<double> initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, width})); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = h + 0.5 * tanh(matmul(x, U) + matmul(h, matrix()));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// A cell that does the same, with the matrix made once, and a count of how often.
struct Once : InEveryStep {
    static inline int count = 0;

    using InEveryStep::InEveryStep;
    Var<double> prepare() const {
        ++count;
        return matrix();
    }
    auto step(const Var<double>& x, const Var<double>& h, const Var<double>& derived) const {
        const Var<double> next = h + 0.5 * tanh(matmul(x, U) + matmul(h, derived));
        return std::pair{next, next};
    }
};

/// Everything optional at once: two weights prepared, two parts projected, one of them through a prepared
/// weight.
struct TwoParts : InEveryStep {
    using Weights = std::tuple<Var<double>, Var<double>>;
    using InEveryStep::InEveryStep;
    Weights prepare() const { return {U / sqrt(sum(U * U)), matrix()}; }
    std::pair<Var<double>, Var<double>> project(const Var<double>& x, const Weights& weights) const {
        return {matmul(x, std::get<0>(weights)), x * x};
    }
    auto step(const std::pair<Var<double>, Var<double>>& u, const Var<double>& h,
              const Weights& weights) const {
        const Var<double> next = h + 0.5 * tanh(u.first + matmul(h, std::get<1>(weights)));
        return std::pair{next + u.second, next};
    }
};
struct TwoPartsInEveryStep : InEveryStep {
    using InEveryStep::InEveryStep;
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = h + 0.5 * tanh(matmul(x, U / sqrt(sum(U * U))) + matmul(h, matrix()));
        return std::pair{next + x * x, next};
    }
};

}  // namespace tapeloop::test
