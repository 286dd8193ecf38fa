#pragma once

#include <tests/numeric.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/decoding/decoding.hpp>

#include <algorithm>
#include <cmath>

/// A small model that writes, as a step for the library and in plain loops.
namespace tapeloop::test {

/// h' = tanh(E[token] + h W), logits h' V. Its state is the pair of h [R, H] and a part [R, 2, 1] that steps
/// hand on and that shifts the logits: what a row was started with.
struct WriterModel {
    static constexpr std::size_t H = 3;
    static constexpr std::size_t O = 4;
    using State = std::pair<Var<double>, std::vector<Var<double>>>;

    Tensor<double> E, W, V, h, bias;

    explicit WriterModel(std::string_view seed, std::size_t batch) {
        Random random(seed);
        E = random.tensor({O, H}, -2, 2);
        W = random.tensor({H, H}, -2, 2);
        V = random.tensor({H, O}, -2, 2);
        h = random.tensor({batch, H});
        bias = random.tensor({batch, 2, 1}, -0.5, 0.5);
    }

    State state() const { return {input(h), {input(bias)}}; }

    auto step() const {
        return [this](const Indices& tokens, const State& state) {
            const Var<double> next = tanh(gather_rows(E, tokens) + matmul(state.first, W));
            // Token 1 is shifted by the first number, token 2 by the second.
            const Tensor<double> first = tensor({2, O}, {0, 1, 0, 0, 0, 0, 1, 0});
            const Var<double> shift =
                matmul(reshape(state.second[0], {state.second[0].shape()[0], 2}), first);
            return std::pair{matmul(next, V) + shift, State{next, state.second}};
        };
    }

    struct Loops {
        std::vector<double> h;
        std::vector<double> log_probabilities;
    };
    Loops after(std::size_t row, std::ptrdiff_t token, const std::vector<double>& before) const {
        Loops result;
        for (std::size_t k = 0; k < H; ++k) {
            double sum = at(E, {static_cast<std::size_t>(token), k});
            for (std::size_t j = 0; j < H; ++j) sum += before[j] * at(W, {j, k});
            result.h.push_back(std::tanh(sum));
        }
        double total = 0;
        for (std::size_t o = 0; o < O; ++o) {
            double logit = o == 1 || o == 2 ? at(bias, {row, o - 1, 0}) : 0;
            for (std::size_t k = 0; k < H; ++k) logit += result.h[k] * at(V, {k, o});
            result.log_probabilities.push_back(logit);
            total += std::exp(logit);
        }
        for (double& one : result.log_probabilities) one -= std::log(total);
        return result;
    }
    std::vector<double> start(std::size_t row) const {
        std::vector<double> own;
        for (std::size_t k = 0; k < H; ++k) own.push_back(at(h, {row, k}));
        return own;
    }
    /// The log-probability of a row's sequence, read from `start_token`.
    double log_probability(std::size_t row, std::ptrdiff_t start_token,
                           const std::vector<std::ptrdiff_t>& tokens) const {
        double total = 0;
        std::ptrdiff_t before = start_token;
        std::vector<double> now = start(row);
        for (std::ptrdiff_t token : tokens) {
            const Loops next = after(row, before, now);
            total += next.log_probabilities[static_cast<std::size_t>(token)];
            now = next.h;
            before = token;
        }
        return total;
    }
};

}  // namespace tapeloop::test
