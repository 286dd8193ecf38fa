#pragma once

#include <autograd/autograd.hpp>
#include <nn/nn.hpp>

#include <tuple>

/// Cells as users write them, between them with all that a step may do.
namespace tapeloop::test {

using nn::Generator;
using nn::ones;
using nn::uniform;
using nn::zeros;

inline Parameter<float> parameter(std::string name, const Shape& shape, Generator& generator) {
    return {std::move(name), uniform<float>(shape, -0.7, 0.7, generator)};
}

/// A gate and a candidate, with a projection and a map.
struct MinimalGatedCell {
    Parameter<float> U, W, b;

    explicit MinimalGatedCell(Generator& g)
        : U(parameter("U", {4, 6}, g)), W(parameter("W", {3, 6}, g)), b(parameter("b", {6}, g)) {}
    Var<float> initial_state(std::size_t batch) const { return input(zeros<float>({batch, 3})); }
    Var<float> project(const Var<float>& x) const { return matmul(x, U) + b; }
    auto step(const Var<float>& u, const Var<float>& h) const {
        const Var<float> a = u + matmul(h, W);
        const Var<float> next = map([](auto f, auto n, auto before) { return f * before + (1 - f) * n; },
                                    sigmoid(columns(a, 0, 2)), tanh(columns(a, 1, 2)), h);
        return std::pair{next, next};
    }
    ParameterList<float> parameters() { return parameter_list(U, W, b); }
};

/// An antisymmetric recurrent weight (Chang et al. 2019), made once by `prepare`; its first state is learned,
/// and its output is no part of the state.
struct AntisymmetricCell {
    Parameter<float> U, W, h0;

    explicit AntisymmetricCell(Generator& g)
        : U(parameter("U", {4, 3}, g)), W(parameter("W", {3, 3}, g)), h0(parameter("h0", {3}, g)) {}
    Var<float> initial_state(std::size_t batch) const { return broadcast_to(h0, {batch, 3}); }
    Var<float> prepare() const { return W - transpose(W) - 0.1F * eye<float>(3); }
    auto step(const Var<float>& x, const Var<float>& h, const Var<float>& A) const {
        const Var<float> next = h + 0.2F * tanh(matmul(h, A) + matmul(x, U));
        return std::pair{softmax(next), next};
    }
    ParameterList<float> parameters() { return parameter_list(U, W, h0); }
    template <class T>
    static Tensor<T> eye(std::size_t n) {
        Tensor<T> one = zeros<T>({n, n});
        for (std::size_t i = 0; i < n; ++i) one(i, i) = 1;
        return one;
    }
};

/// A memory of slots, [B, 2, 3], that is read and written by attention: its shapes have the batch in them.
struct SlotCell {
    Parameter<float> U, key;
    nn::LayerNorm<float> norm{3};

    explicit SlotCell(Generator& g) : U(parameter("U", {4, 6}, g)), key(parameter("key", {3, 3}, g)) {}
    Var<float> initial_state(std::size_t batch) const { return input(zeros<float>({batch, 2, 3})); }
    auto step(const Var<float>& x, const Var<float>& memory) const {
        const std::size_t batch = x.shape()[0];
        const Var<float> written = reshape(matmul(x, U), {batch, 2, 3});
        const Var<float> scores = sum(matmul(memory, key) * written, -1, true);
        const Var<float> weights = softmax(scores, 1);
        const Var<float> next = norm(memory * weights + written * (1 - weights));
        const Var<float> read =
            concatenate({mean(next, 1), max(next, 1), squeeze(slice(next, 1, -1, 2), 1)}, -1);
        return std::pair{read, next};
    }
    ParameterList<float> parameters() { return parameter_list(U, key, norm.gamma, norm.beta); }
};

/// The user's own elementwise function, with its counterpart.
struct Softsign {
    static constexpr std::string_view name = "softsign";
    static constexpr std::string_view onnx = "Softsign";
    static auto value(const auto& x) { return x / (1 + abs(x)); }
    static auto slope(const auto&, const auto& x) { return 1 / square(1 + abs(x)); }
};

/// A state of several parts, one without a batch, and choices by the values.
struct CountingCell {
    using State = std::tuple<Var<float>, std::pair<Var<float>, Var<float>>>;
    Parameter<float> U, W;

    explicit CountingCell(Generator& g) : U(parameter("U", {4, 3}, g)), W(parameter("W", {3, 3}, g)) {}
    State initial_state(std::size_t batch) const {
        return {input(zeros<float>({batch, 3})),
                {input(ones<float>({batch, 1})), input(ones<float>({1, 1}))}};
    }
    std::array<Var<float>, 2> project(const Var<float>& x) const { return {matmul(x, U), relu(x)}; }
    std::pair<Var<float>, State> step(const std::array<Var<float>, 2>& u, const State& state) const {
        const auto& [h, counts] = state;
        const auto& [count, factor] = counts;
        const Var<float> a = elementwise(Softsign{}, u[0] + matmul(h, W, {false, true}));
        const Var<float> next = where(less(a, 0.1F), clip(a, -0.3, 0.2), maximum(a, h));
        const Var<float> total = count + sum(u[1], -1, true);
        return {next * factor / sqrt(total), {next, {total, factor}}};
    }
    ParameterList<float> parameters() { return parameter_list(U, W); }
};

/// Orders and pieces: unstack, stack, flip, roll, pad, transposed products.
struct PuzzleCell {
    Parameter<float> U, W;

    explicit PuzzleCell(Generator& g) : U(parameter("U", {4, 4}, g)), W(parameter("W", {4, 4}, g)) {}
    Var<float> initial_state(std::size_t batch) const { return input(zeros<float>({batch, 4})); }
    auto step(const Var<float>& x, const Var<float>& h) const {
        const Var<float> shuffled = gather_rows(W, {2, 0, 3, 1});
        const Var<float> a = affine(x, U, matmul(h, shuffled, {false, true}));
        const std::vector<Var<float>> parts = unstack(transpose(a));  // four of [B]
        const Var<float> again = stack({parts[2], parts[0], parts[3], parts[1]}, 1);
        const Var<float> next = tanh(roll(flip(again, 1), 1, -1) + cumsum(h, -1) * 0.1F);
        const Var<float> wide = pad(next, {{0, 0}, {1, 0}});
        return std::pair{squeeze(expand_dims(wide, 1), 1) + logsumexp(next, -1, true), next};
    }
    ParameterList<float> parameters() { return parameter_list(U, W); }
};

/// A cell without weights whose step is `F`, of x and h [B, 4].
template <class F>
struct StepCell {
    F f;

    explicit StepCell(F function) : f(std::move(function)) {}
    Var<float> initial_state(std::size_t batch) const { return input(zeros<float>({batch, 4})); }
    std::pair<Var<float>, Var<float>> step(const Var<float>& x, const Var<float>& h) const {
        const Var<float> next = f(x, h);
        return {next, next};
    }
    ParameterList<float> parameters() { return {}; }
};

}  // namespace tapeloop::test
