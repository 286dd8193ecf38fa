#pragma once

#include <tests/expect.hpp>

#include <autograd/ops/linalg.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

/// This file has what tests of Jacobians share: matrices in plain loops, and cells whose Jacobians are known.
namespace tapeloop::test {

inline Tensor<double> times(const Tensor<double>& a, const Tensor<double>& b) {
    return generate({a.shape(0), b.shape(1)}, [&](const Position& p) {
        double sum = 0;
        for (std::size_t k = 0; k < a.shape(1); ++k) sum += a(p[0], k) * b(k, p[1]);
        return sum;
    });
}

inline Tensor<double> plus(const Tensor<double>& a, const Tensor<double>& b) {
    return each(a, b, [](double x, double y) { return x + y; });
}

inline Tensor<double> transposed(const Tensor<double>& a) {
    return generate({a.shape(1), a.shape(0)}, [&](const Position& p) { return a(p[1], p[0]); });
}

/// h' = h W
struct LinearCell {
    Parameter<double> W;

    explicit LinearCell(const Tensor<double>& weight) : W("W", weight) {}
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, W.shape()[0]}, 1)); }
    auto step(const Var<double>& /*x*/, const Var<double>& h) const {
        const Var<double> next = matmul(h, W);
        return std::pair{next, next};
    }
};

inline JacobianLens lens_of_linear(const Tensor<double>& W, std::size_t steps) {
    const LinearCell cell(W);
    Tape<double> tape;
    const Var<double> initial = cell.initial_state(1);
    const auto run = nn::unroll(cell, filled({steps, 1, 1}, 0), initial, {.trace = true});
    return jacobian_lens(nn::states(initial, run.trace));
}

inline Tensor<double> orthogonal(std::size_t n, double gain) {
    nn::Generator generator(5);
    return nn::orthogonal<double>({n, n}, generator, gain);
}

/// A cell whose weights and biases are all random.
template <class C>
C random_cell(std::uint64_t seed, std::size_t input_size, std::size_t hidden_size) {
    nn::Generator generator(seed);
    C cell(input_size, hidden_size, generator);
    Random random("weights");
    for (const auto& entry : cell.parameters())
        entry.parameter->assign(random.tensor(entry.parameter->shape()));
    return cell;
}

}  // namespace tapeloop::test
