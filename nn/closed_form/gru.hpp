#pragma once

#include <autograd/tensor.hpp>
#include <nn/cells/gru_options.hpp>

#include <vector>

namespace tapeloop::nn::closed_form {

/// The weights of a `GruCell`; gates side by side in the order update, reset, candidate.
template <class T>
struct GruWeights {
    Tensor<T> U;            ///< [I, 3H]
    Tensor<T> W;            ///< [H, 3H]
    Tensor<T> b;            ///< [3H]
    Tensor<T> b_recurrent;  ///< [H]
    GruOptions options = {};
};

/// The gradient by each weight, or one time step's part of it.
template <class T>
struct GruGradients {
    Tensor<T> U, W, b, b_recurrent;
};

/// The values and gradients that BPTT computes on its way. Vectors have an element for each time step, t = 1,
/// ..., T.
template <class T>
struct GruBptt {
    GruGradients<T> total;               ///< dJ/dU, dJ/dW, dJ/db, dJ/db_recurrent
    Tensor<T> x;                         ///< dJ/dx, [T, B, I]
    Tensor<T> initial_state;             ///< dJ/dh(0), [B, H]
    std::vector<GruGradients<T>> terms;  ///< what each time step contributes to `total`
    std::vector<Tensor<T>> states;       ///< dJ/dh(t), the output's own part included, [B, H]
    /// The cotangent that the time step behind hands back to h(t); at T, dJ by the final state.
    std::vector<Tensor<T>> from_later;
    std::vector<Tensor<T>> input_preactivations;      ///< dJ/du(t), [B, 3H]
    std::vector<Tensor<T>> recurrent_preactivations;  ///< dJ/dw(t), [B, 3H]
    std::vector<Tensor<T>> h;                         ///< the states: h(0) and then h(1), ..., h(T)
};

/// Backpropagation through time of a GRU (Cho et al. 2014) whose reset gate comes after the product, for any
/// loss: `outputs` is dJ/dh(t) as the loss has it, [T, B, H], and `final_state` what it has besides by h(T),
/// which the last output is not part of. x is [T, B, I]; `initial_state` is h(0).
///
/// With u(t) = x(t) U + b and w(t) = h(t-1) W + [0, 0, b_recurrent], in three blocks each, s the gates'
/// squashing function and * elementwise,
///
///     z = s(u_z + w_z)   r = s(u_r + w_r)   n = tanh(u_n + r * w_n)     h(t) = z * h(t-1) + (1 - z) * n
///
/// h(t-1) acts on h(t) through the products w(t), and directly where the update gate keeps it. From the last
/// step back:
///
///     dJ/dh(t) = outputs(t) + dJ/dw(t+1) W' + dJ/dh(t+1) * z(t+1)
///     dJ/du_n  = dJ/dh(t) * (1 - z) * (1 - n²)            dJ/dw_n = dJ/du_n * r
///     dJ/du_r  = dJ/du_n * w_n * s'(u_r + w_r)            dJ/dw_r = dJ/du_r
///     dJ/du_z  = dJ/dh(t) * (h(t-1) - n) * s'(u_z + w_z)  dJ/dw_z = dJ/du_z
///
/// where at t = T the terms of t+1 are `final_state`, and then
///
///     dJ/dU = sum x(t)' dJ/du(t)      dJ/db = sum over rows of dJ/du(t)      dJ/dx(t) = dJ/du(t) U'
///     dJ/dW = sum h(t-1)' dJ/dw(t)    dJ/db_recurrent = sum over rows of dJ/dw_n(t)
///     dJ/dh(0) = dJ/dw(1) W' + dJ/dh(1) * z(1)
///
/// For `Update::takes` z and 1 - z change places, and h(t-1) - n its sign. A row is an element of the batch.
///
/// Throws `std::invalid_argument` when shapes do not fit.
template <class T>
GruBptt<T> gru_bptt(const GruWeights<T>& weights, const Tensor<T>& x, const Tensor<T>& initial_state,
                    const Tensor<T>& outputs, const Tensor<T>& final_state);

extern template GruBptt<float> gru_bptt(const GruWeights<float>&, const Tensor<float>&, const Tensor<float>&,
                                        const Tensor<float>&, const Tensor<float>&);
extern template GruBptt<double> gru_bptt(const GruWeights<double>&, const Tensor<double>&,
                                         const Tensor<double>&, const Tensor<double>&, const Tensor<double>&);

}  // namespace tapeloop::nn::closed_form
