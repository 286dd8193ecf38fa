#pragma once

#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <string_view>
#include <tuple>

namespace tapeloop::nn {

/// Options of an `LstmCell`.
struct LstmOptions {
    /// The forget gate's initial bias (Jozefowicz et al. 2015 recommend 1).
    double forget_bias = 1;
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000):
///
///     i = s(x U_i + h W_i + b_i)        input gate
///     f = s(x U_f + h W_f + b_f)        forget gate
///     g = tanh(x U_g + h W_g + b_g)     candidate
///     o = s(x U_o + h W_o + b_o)        output gate
///     c' = f c + i g                    h' = o tanh(c')
///
/// x is [B, I]; the state is the pair h, c of [B, H]; the output is h'. Gates are packed side by side in the
/// order input, forget, candidate, output. Peepholes, projection and other variants: `LstmVariantCell`.
template <class T>
struct LstmCell {
    Parameter<T> U;  ///< input to hidden, [I, 4H]
    Parameter<T> W;  ///< hidden to hidden, [H, 4H]
    Parameter<T> b;  ///< bias, [4H]

    /// U is drawn by `xavier_uniform` and W by `orthogonal`, gate by gate. Throws `std::invalid_argument`
    /// when a size is 0.
    LstmCell(std::size_t input_size, std::size_t hidden_size, Generator& generator, LstmOptions options = {});

    /// Names the blocks of U, W and b, in order.
    static constexpr std::array<std::string_view, 4> gate_names() {
        return {"input", "forget", "candidate", "output"};
    }

    std::array<Var<T>, 2> initial_state(std::size_t batch) const {
        const Var<T> zero = input(zeros<T>({batch, W.shape()[0]}));
        return {zero, zero};
    }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    auto step(const Var<T>& u, const std::array<Var<T>, 2>& state) const {
        const auto& [h, c] = state;
        const std::array<Var<T>, 2> next = map(
            [](auto from_input, auto from_state, auto memory) {
                auto [input_u, forget_u, candidate_u, output_u] = from_input;
                auto [input_w, forget_w, candidate_w, output_w] = from_state;
                auto input = sigmoid(input_u + input_w);
                auto forget = sigmoid(forget_u + forget_w);
                auto candidate = tanh(candidate_u + candidate_w);
                auto output = sigmoid(output_u + output_w);
                auto kept = forget * memory + input * candidate;
                return std::tuple{output * tanh(kept), kept};
            },
            gates<4>(u), gates<4>(matmul(h, W)), c);
        return std::pair{next[0], next};
    }

    ParameterList<T> parameters() { return parameter_list(U, W, b); }
};

extern template struct LstmCell<float>;
extern template struct LstmCell<double>;

}  // namespace tapeloop::nn
