#pragma once

#include <autograd/parameter.hpp>
#include <nn/cells/gate_activation.hpp>
#include <nn/initialisers.hpp>

#include <array>
#include <limits>
#include <string_view>
#include <vector>

namespace tapeloop::nn {

/// The additions of an `LstmVariantCell` to the plain LSTM, in any combination.
struct LstmVariantOptions {
    /// The forget gate's initial bias (Jozefowicz et al. 2015 recommend 1).
    double forget_bias = 1;
    /// The gates see the memory: input and forget the old one, output the new one (Gers and Schmidhuber
    /// 2000).
    bool peephole = false;
    /// f = 1 - i, without a forget gate (CIFG; Greff et al. 2017).
    bool coupled = false;
    /// The width of h when it is projected (Sak, Senior and Beaufays 2014); 0 for no projection.
    std::size_t projection = 0;
    bool projection_bias = false;
    /// Normalises every gate's pre-activation before its bias is added, and never c (Ba, Kiros and Hinton
    /// 2016, without their normalisation of c').
    bool layer_norm = false;
    double layer_norm_epsilon = 1e-5;
    GateActivation gate_activation = GateActivation::sigmoid;
    /// c' and h' are limited to [-clip, clip]; gradients pass inside and on the bounds.
    double cell_clip = std::numeric_limits<double>::infinity();
    double projection_clip = std::numeric_limits<double>::infinity();
};

/// The family of LSTMs that Greff et al. compare ("LSTM: a search space odyssey", 2017, arXiv:1503.04069),
/// and what others added:
///
///     i = s(N(x U_i + h W_i + p_i c) + b_i)                    input gate
///     f = s(N(x U_f + h W_f + p_f c) + b_f)    or 1 - i        forget gate
///     g = tanh(N(x U_g + h W_g) + b_g)                         candidate
///     c' = clip(f c + i g)
///     o = s(N(x U_o + h W_o + p_o c') + b_o)                   output gate
///     h' = clip((o tanh(c')) P + b_projection)
///
/// N(a) = gamma (a - mean) / sqrt(variance + epsilon) over the H values of a row and a gate; without
/// `layer_norm` N(a) = a, and so on for every option. x is [B, I]; the state is the pair of h [B, H], or [B,
/// P] if projected, and c [B, H]; the output is h'. Gates are packed side by side in the order input, forget,
/// candidate, output, n of them; coupled cells lack forget. Without options it computes what `LstmCell` does.
template <class T>
struct LstmVariantCell {
    using State = std::array<Var<T>, 2>;

    Parameter<T> U;             ///< input to hidden, [I, nH]
    Parameter<T> W;             ///< hidden to hidden, [H, nH], or [P, nH]
    Parameter<T> b;             ///< bias, [nH]
    Parameter<T> p;             ///< peepholes of input, forget and output, [(n-1) H]; else empty
    Parameter<T> gamma;         ///< scales of the layer norm, [nH]; else empty
    Parameter<T> P;             ///< projection, [H, P]; else empty
    Parameter<T> b_projection;  ///< [P]; else empty
    LstmVariantOptions options;

    /// U and P are drawn by `xavier_uniform` and W by `orthogonal`, gate by gate; p is 0 and gamma 1. Throws
    /// `std::invalid_argument` when a size is 0, a clip is negative or NaN, the epsilon is negative or NaN,
    /// or a projection has a bias but no size.
    LstmVariantCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
                    LstmVariantOptions options = {});

    /// Names the blocks of U, W, b and gamma, in order.
    std::vector<std::string_view> gate_names() const;
    /// Names the blocks of the peepholes p, in order.
    std::vector<std::string_view> peephole_names() const;

    State initial_state(std::size_t batch) const;
    Var<T> project(const Var<T>& x) const;
    std::pair<Var<T>, State> step(const Var<T>& u, const State& state) const;

    /// Lists the parameters that the options call for.
    ParameterList<T> parameters();
};

extern template struct LstmVariantCell<float>;
extern template struct LstmVariantCell<double>;

}  // namespace tapeloop::nn
