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

/// The gated recurrent unit (Cho et al. 2014) without a reset gate, the simplified one of lectures:
///
///     z = s(x U_z + h W_z + b_z)            update gate
///     n = tanh(x U_n + h W_n + b_n)         candidate
///     h' = z h + (1 - z) n
///
/// x is [B, I], h is [B, H]; the output is the state h'. Gates are packed side by side in the order update,
/// candidate. Lectures that write c' = z n + (1 - z) c mean `Update::takes`.
template <class T>
struct MinimalGruCell {
    Parameter<T> U;  ///< input to hidden, [I, 2H]
    Parameter<T> W;  ///< hidden to hidden, [H, 2H]
    Parameter<T> b;  ///< bias, [2H]
    GruOptions options;

    /// U is drawn by `xavier_uniform` and W by `orthogonal`, gate by gate; b is 0. Throws
    /// `std::invalid_argument` when a size is 0.
    MinimalGruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                   GruOptions options = {});

    /// Names the blocks of U, W and b, in order.
    static constexpr std::array<std::string_view, 2> gate_names() { return {"update", "candidate"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, W.shape()[0]})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    auto step(const Var<T>& u, const Var<T>& h) const {
        const Var<T> next = map(
            [options = options](auto from_input, auto from_state, auto state) {
                auto [update_u, candidate_u] = from_input;
                auto [update_w, candidate_w] = from_state;
                auto update = squash(options.gate_activation, update_u + update_w);
                auto candidate = tanh(candidate_u + candidate_w);
                return updated(options.update, update, state, candidate);
            },
            gates<2>(u), gates<2>(matmul(h, W)), h);
        return std::pair{next, next};
    }

    ParameterList<T> parameters() { return parameter_list(U, W, b); }
};

extern template struct MinimalGruCell<float>;
extern template struct MinimalGruCell<double>;

}  // namespace tapeloop::nn
