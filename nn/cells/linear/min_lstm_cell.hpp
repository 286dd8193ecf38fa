#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// minLSTM (Feng et al. 2024, arXiv:2410.01201, section 3.2), whose gates do not see the state, so that all
/// time steps are computed at once:
///
///     f = s(x U_f + b_f)                    forget gate
///     i = s(x U_i + b_i)                    input gate
///     n = x U_n + b_n                       candidate
///     h' = f / (f + i) h + i / (f + i) n
///
/// x is [B, I], h is [B, H]; the output is the state h'. Gates are packed side by side in the order forget,
/// input, candidate. The shares are computed from the logarithms of the gates, so that two shut ones divide
/// nothing by nothing.
template <class T>
struct MinLstmCell {
    Parameter<T> U;  ///< input to hidden, [I, 3H]
    Parameter<T> b;  ///< bias, [3H]

    /// U is drawn by `xavier_uniform`, gate by gate; b is 0. Throws `std::invalid_argument` when a size is 0.
    MinLstmCell(std::size_t input_size, std::size_t hidden_size, Generator& generator);

    /// Names the blocks of U and b, in order.
    static constexpr std::array<std::string_view, 3> gate_names() { return {"forget", "input", "candidate"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, b.shape()[0] / 3})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    /// Returns the shares of h and of n, the latter times n, of u [.., 3H].
    std::pair<Var<T>, Var<T>> coefficients(const Var<T>& u) const {
        const std::array<Var<T>, 2> both = map(
            [](auto gates) {
                auto [forget, input, candidate] = gates;
                auto ratio = log_sigmoid(forget) - log_sigmoid(input);
                return std::tuple{sigmoid(ratio), sigmoid(-ratio) * candidate};
            },
            gates<3>(u));
        return {both[0], both[1]};
    }

    ParameterList<T> parameters() { return parameter_list(U, b); }
};

extern template struct MinLstmCell<float>;
extern template struct MinLstmCell<double>;

}  // namespace tapeloop::nn
