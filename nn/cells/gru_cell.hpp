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

/// The gated recurrent unit (Cho et al. 2014) with the reset gate after the recurrent product and, unless the
/// options say otherwise, the update gate keeping the old state, as cuDNN, PyTorch and Keras have it:
///
///     z = s(x U_z + h W_z + b_z)                         update gate
///     r = s(x U_r + h W_r + b_r)                         reset gate
///     n = tanh(x U_n + b_n + r (h W_n + b_recurrent))    candidate
///     h' = z h + (1 - z) n
///
/// x is [B, I], h is [B, H]; the output is the state h'. Gates are packed side by side in the order update,
/// reset, candidate. The reset gate before the product, as in the paper: `ResetBeforeGruCell`.
template <class T>
struct GruCell {
    Parameter<T> U;            ///< input to hidden, [I, 3H]
    Parameter<T> W;            ///< hidden to hidden, [H, 3H]
    Parameter<T> b;            ///< bias, [3H]
    Parameter<T> b_recurrent;  ///< the candidate's bias inside the reset product, [H]
    GruOptions options;

    /// U is drawn by `xavier_uniform` and W by `orthogonal`, gate by gate; the biases are 0. Throws
    /// `std::invalid_argument` when a size is 0.
    GruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator, GruOptions options = {});

    /// Names the blocks of U, W and b, in order.
    static constexpr std::array<std::string_view, 3> gate_names() { return {"update", "reset", "candidate"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, W.shape()[0]})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    auto step(const Var<T>& u, const Var<T>& h) const {
        const Var<T> next = map(
            [options = options](auto from_input, auto from_state, auto bias, auto state) {
                auto [update_u, reset_u, candidate_u] = from_input;
                auto [update_w, reset_w, candidate_w] = from_state;
                auto update = squash(options.gate_activation, update_u + update_w);
                auto reset = squash(options.gate_activation, reset_u + reset_w);
                auto candidate = tanh(candidate_u + reset * (candidate_w + bias));
                return updated(options.update, update, state, candidate);
            },
            gates<3>(u), gates<3>(matmul(h, W)), b_recurrent, h);
        return std::pair{next, next};
    }

    ParameterList<T> parameters() { return parameter_list(U, W, b, b_recurrent); }
};

extern template struct GruCell<float>;
extern template struct GruCell<double>;

}  // namespace tapeloop::nn
