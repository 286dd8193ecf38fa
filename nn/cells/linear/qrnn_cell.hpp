#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// The quasi-recurrent layer (Bradbury et al. 2017, arXiv:1611.01576, equations 1 and 4) with fo-pooling,
/// whose gates do not see the state, so that all time steps are computed at once:
///
///     n = tanh(x U_n + b_n)                 candidate
///     f = s(x U_f + b_f)                    forget gate
///     o = s(x U_o + b_o)                    output gate
///     c' = f c + (1 - f) n
///     y = o c'
///
/// x is [B, I], the state c is [B, H], and so is the output y. Gates are packed side by side in the order
/// candidate, forget, output; the biases, which the paper leaves out, start at 0.
///
/// The window of the paper's convolution is one time step. A causal window of k steps is one step of an input
/// that has the k - 1 steps before it at its side, and the cell is one of k I inputs: for k = 2 and x
/// [T, B, I] with T > 0
///
///     const auto last = static_cast<std::ptrdiff_t>(x.shape()[0]) - 1;
///     const Var<float> before = pad(slice(x, 0, 0, last), {{1, 0}, {0, 0}, {0, 0}});
///     unroll(cell, concatenate({x, before}, 2), ...)
///
/// whose rows of U, the first I of x(t) and the last I of x(t - 1), are the convolution's weights. That holds
/// with `lengths`; read with `reverse`, the step before is the one behind.
template <class T>
struct QrnnCell {
    Parameter<T> U;  ///< input to hidden, [I, 3H]
    Parameter<T> b;  ///< bias, [3H]

    /// U is drawn by `xavier_uniform`, gate by gate; b is 0. Throws `std::invalid_argument` when a size is 0.
    QrnnCell(std::size_t input_size, std::size_t hidden_size, Generator& generator);

    /// Names the blocks of U and b, in order.
    static constexpr std::array<std::string_view, 3> gate_names() {
        return {"candidate", "forget", "output"};
    }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, b.shape()[0] / 3})); }

    /// Returns f, (1 - f) n and o, of x [.., I].
    std::array<Var<T>, 3> project(const Var<T>& x) const {
        return map(
            [](auto from_input) {
                auto [candidate, forget, output] = from_input;
                auto keep = sigmoid(forget);
                return std::tuple{keep, (1 - keep) * tanh(candidate), sigmoid(output)};
            },
            gates<3>(affine(x, U, b)));
    }

    /// Returns f and (1 - f) n, of what `project` gives.
    std::pair<Var<T>, Var<T>> coefficients(const std::array<Var<T>, 3>& u) const { return {u[0], u[1]}; }

    /// Returns o c.
    Var<T> output(const std::array<Var<T>, 3>& u, const Var<T>& c) const { return u[2] * c; }

    ParameterList<T> parameters() { return parameter_list(U, b); }
};

extern template struct QrnnCell<float>;
extern template struct QrnnCell<double>;

}  // namespace tapeloop::nn
