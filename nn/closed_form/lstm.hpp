#pragma once

#include <autograd/tensor.hpp>

#include <vector>

namespace tapeloop::nn::closed_form {

/// The weights of an `LstmCell`; gates side by side in the order input, forget, candidate, output.
template <class T>
struct LstmWeights {
    Tensor<T> U;  ///< [I, 4H]
    Tensor<T> W;  ///< [H, 4H]
    Tensor<T> b;  ///< [4H]
};

/// The gradient by each weight, or one time step's part of it.
template <class T>
struct LstmGradients {
    Tensor<T> U, W, b;
};

/// The state, or a gradient by it: h and c, both [B, H].
template <class T>
struct LstmState {
    Tensor<T> h, c;
};

/// The values and gradients that BPTT computes on its way. Vectors have an element for each time step, t = 1,
/// ..., T.
template <class T>
struct LstmBptt {
    LstmGradients<T> total;               ///< dJ/dU, dJ/dW, dJ/db
    Tensor<T> x;                          ///< dJ/dx, [T, B, I]
    LstmState<T> initial_state;           ///< dJ/dh(0) and dJ/dc(0)
    std::vector<LstmGradients<T>> terms;  ///< what each time step contributes to `total`
    std::vector<LstmState<T>> states;     ///< dJ/dh(t), the output's own part included, and dJ/dc(t)
    /// The cotangents that the time step behind hands back to h(t) and c(t); at T, dJ by the final state.
    std::vector<LstmState<T>> from_later;
    std::vector<Tensor<T>> preactivations;   ///< dJ/da(t), [B, 4H]
    std::vector<LstmState<T>> state_values;  ///< the states themselves: those of 0 and then of 1, ..., T
};

/// Backpropagation through time of an LSTM (Hochreiter and Schmidhuber 1997, Gers et al. 2000), for any loss:
/// `outputs` is dJ/dh(t) as the loss has it, [T, B, H], and `final_state` what it has besides by h(T) and
/// c(T), which the last output is not part of. x is [T, B, I]; `initial_state` is h(0) and c(0).
///
/// With a(t) = x(t) U + h(t-1) W + b, in four blocks, s the logistic function and * elementwise,
///
///     i = s(a_i)   f = s(a_f)   g = tanh(a_g)   o = s(a_o)
///     c(t) = f * c(t-1) + i * g                 h(t) = o * tanh(c(t))
///
/// Since h(t) depends on o(t) and c(t), and c(t) is also what c(t+1) is made of, from the last step back:
///
///     dJ/dh(t) = outputs(t) + dJ/da(t+1) W'
///     dJ/dc(t) = dJ/dh(t) * o * (1 - tanh²(c(t))) + dJ/dc(t+1) * f(t+1)
///     dJ/da_o  = dJ/dh(t) * tanh(c(t)) * o * (1 - o)
///     dJ/da_f  = dJ/dc(t) * c(t-1) * f * (1 - f)
///     dJ/da_i  = dJ/dc(t) * g * i * (1 - i)
///     dJ/da_g  = dJ/dc(t) * i * (1 - g²)
///
/// where at t = T the terms of t+1 are `final_state`, and then
///
///     dJ/dU = sum x(t)' dJ/da(t)     dJ/dW = sum h(t-1)' dJ/da(t)     dJ/db = sum over rows of dJ/da(t)
///     dJ/dx(t) = dJ/da(t) U'         dJ/dh(0) = dJ/da(1) W'           dJ/dc(0) = dJ/dc(1) * f(1)
///
/// A row is an element of the batch. These are the formulas of Greff et al. ("LSTM: a search space odyssey",
/// 2017, appendix A) without peepholes, in rows instead of columns.
///
/// Throws `std::invalid_argument` when shapes do not fit.
template <class T>
LstmBptt<T> lstm_bptt(const LstmWeights<T>& weights, const Tensor<T>& x, const LstmState<T>& initial_state,
                      const Tensor<T>& outputs, const LstmState<T>& final_state);

extern template LstmBptt<float> lstm_bptt(const LstmWeights<float>&, const Tensor<float>&,
                                          const LstmState<float>&, const Tensor<float>&,
                                          const LstmState<float>&);
extern template LstmBptt<double> lstm_bptt(const LstmWeights<double>&, const Tensor<double>&,
                                           const LstmState<double>&, const Tensor<double>&,
                                           const LstmState<double>&);

}  // namespace tapeloop::nn::closed_form
