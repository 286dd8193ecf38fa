#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/cells/gru_options.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// The gated recurrent unit as its paper has it (Cho et al. 2014, arXiv:1406.1078), with the reset gate
/// before the recurrent product; Keras' `reset_after=False`, ONNX' `linear_before_reset = 0`:
///
///     z = s(x U_z + h W_z + b_z)                 update gate
///     r = s(x U_r + h W_r + b_r)                 reset gate
///     n = tanh(x U_n + (r h) W_n + b_n)          candidate
///     h' = z h + (1 - z) n
///
/// x is [B, I], h is [B, H]; the output is the state h'. Gates are packed side by side in the order update,
/// reset, candidate; the candidate's recurrent weight, which has another factor, stands alone.
template <class T>
struct ResetBeforeGruCell {
    Parameter<T> U;            ///< input to hidden, [I, 3H]
    Parameter<T> W;            ///< hidden to the gates update and reset, [H, 2H]
    Parameter<T> W_candidate;  ///< reset state to candidate, [H, H]
    Parameter<T> b;            ///< bias, [3H]
    GruOptions options;

    /// U is drawn by `xavier_uniform` and W by `orthogonal`, gate by gate; b is 0. Throws
    /// `std::invalid_argument` when a size is 0.
    ResetBeforeGruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                       GruOptions options = {});

    /// Names the blocks of U and b, in order.
    static constexpr std::array<std::string_view, 3> gate_names() { return {"update", "reset", "candidate"}; }
    /// Names the blocks of W, in order.
    static constexpr std::array<std::string_view, 2> recurrent_gate_names() { return {"update", "reset"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, W.shape()[0]})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    auto step(const Var<T>& u, const Var<T>& h) const {
        const auto [update, reset_state] = map(
            [options = options](auto from_input, auto from_state, auto state) {
                auto [update_u, reset_u, candidate_u] = from_input;
                auto [update_w, reset_w] = from_state;
                auto reset = squash(options.gate_activation, reset_u + reset_w);
                return std::tuple{squash(options.gate_activation, update_u + update_w), reset * state};
            },
            gates<3>(u), gates<2>(matmul(h, W)), h);
        const Var<T> next = map(
            [options = options](auto from_input, auto from_state, auto z, auto state) {
                auto candidate = tanh(std::get<2>(from_input) + from_state);
                return updated(options.update, z, state, candidate);
            },
            gates<3>(u), matmul(reset_state, W_candidate), update, h);
        return std::pair{next, next};
    }

    ParameterList<T> parameters() { return parameter_list(U, W, W_candidate, b); }
};

extern template struct ResetBeforeGruCell<float>;
extern template struct ResetBeforeGruCell<double>;

}  // namespace tapeloop::nn
