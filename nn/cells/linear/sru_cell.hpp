#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// The simple recurrent unit (Lei et al. 2018, arXiv:1709.02755, equations 1 to 4) without the peepholes v,
/// as in the first version of the paper: no gate sees the state, and all time steps are computed at once.
///
///     n = x U_n                             candidate
///     f = s(x U_f + b_f)                    forget gate
///     r = s(x U_r + b_r)                    reset gate
///     c' = f c + (1 - f) n
///     y = r c' + (1 - r) x
///
/// x is [B, I], the state c is [B, H], and so is the output y, a highway around the unit; c' enters it
/// without a function around it, as in the published equations (the first version has g(c')), and x is not
/// scaled. When I is not H, x U_highway takes the place of the last x, as in the authors' code. Gates are
/// packed side by side in the order candidate, forget, reset.
template <class T>
struct SruCell {
    Parameter<T> U;          ///< input to hidden, [I, 3H]
    Parameter<T> b;          ///< bias of the forget and the reset gate, [2H]
    Parameter<T> U_highway;  ///< input to output, [I, H]; empty when I is H

    /// U and U_highway are drawn by `xavier_uniform`, gate by gate; b is 0. Throws `std::invalid_argument`
    /// when a size is 0.
    SruCell(std::size_t input_size, std::size_t hidden_size, Generator& generator);

    /// Names the blocks of U, in order.
    static constexpr std::array<std::string_view, 3> gate_names() { return {"candidate", "forget", "reset"}; }
    /// Names the blocks of b, in order.
    static constexpr std::array<std::string_view, 2> bias_names() { return {"forget", "reset"}; }

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, b.shape()[0] / 2})); }

    /// Returns f, (1 - f) n and r, and what goes around the unit, of x [.., I].
    std::array<Var<T>, 4> project(const Var<T>& x) const {
        const std::array<Var<T>, 3> opened = map(
            [](auto from_input, auto bias) {
                auto [candidate, forget_u, reset_u] = from_input;
                auto [forget_b, reset_b] = bias;
                auto forget = sigmoid(forget_u + forget_b);
                return std::tuple{forget, (1 - forget) * candidate, sigmoid(reset_u + reset_b)};
            },
            gates<3>(matmul(x, U)), gates<2>(b));
        return {opened[0], opened[1], opened[2], projects_highway() ? matmul(x, U_highway) : x};
    }

    /// Returns f and (1 - f) n, of what `project` gives.
    std::pair<Var<T>, Var<T>> coefficients(const std::array<Var<T>, 4>& u) const { return {u[0], u[1]}; }

    /// Returns r c + (1 - r) x, with x U_highway for the last x where it is there.
    Var<T> output(const std::array<Var<T>, 4>& u, const Var<T>& c) const {
        return map([](auto reset, auto highway, auto state) { return reset * state + (1 - reset) * highway; },
                   u[2], u[3], c);
    }

    /// Lists U_highway only when I is not H.
    ParameterList<T> parameters();

  private:
    bool projects_highway() const { return U.shape()[0] != b.shape()[0] / 2; }
};

extern template struct SruCell<float>;
extern template struct SruCell<double>;

}  // namespace tapeloop::nn
