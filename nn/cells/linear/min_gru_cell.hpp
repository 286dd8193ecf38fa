#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// minGRU (Feng et al. 2024, arXiv:2410.01201, equations 8 to 11), a GRU whose gate and candidate do not see
/// the state, so that all time steps are computed at once:
///
///     z = s(x U_z + b_z)                    update gate
///     n = x U_n + b_n                       candidate
///     h' = (1 - z) h + z n
///
/// x is [B, I], h is [B, H]; the output is the state h'. Gates are packed side by side in the order update,
/// candidate.
template <class T>
struct MinGruCell {
    Parameter<T> U;  ///< input to hidden, [I, 2H]
    Parameter<T> b;  ///< bias, [2H]

    /// U is drawn by `xavier_uniform`, gate by gate; b is 0. Throws `std::invalid_argument` when a size is 0.
    MinGruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator);

    /// Names the blocks of U and b, in order.
    static constexpr std::array<std::string_view, 2> gate_names() { return {"update", "candidate"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, b.shape()[0] / 2})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    /// Returns 1 - z and z n, of u [.., 2H].
    std::pair<Var<T>, Var<T>> coefficients(const Var<T>& u) const {
        const std::array<Var<T>, 2> both = map(
            [](auto gates) {
                auto [update, candidate] = gates;
                auto open = sigmoid(update);
                return std::tuple{1 - open, open * candidate};
            },
            gates<2>(u));
        return {both[0], both[1]};
    }

    ParameterList<T> parameters() { return parameter_list(U, b); }
};

extern template struct MinGruCell<float>;
extern template struct MinGruCell<double>;

}  // namespace tapeloop::nn
