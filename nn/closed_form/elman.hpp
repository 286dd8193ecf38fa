#pragma once

#include <nn/cells/activation.hpp>
#include <nn/losses/classes.hpp>

#include <vector>

/// Gradients of recurrent networks by their formulas, written out by hand: no tape, and nothing of autograd
/// but its tensors. To be called beside a cell, the library's or your own, whose gradients should be the
/// same.
namespace tapeloop::nn::closed_form {

/// The weights of an `ElmanCell`: h(t) = f(x(t) U + h(t-1) W + b).
template <class T>
struct ElmanCellWeights {
    Tensor<T> U;  ///< [I, H]
    Tensor<T> W;  ///< [H, H]
    Tensor<T> b;  ///< [H]
    Activation activation = Activation::tanh;
};

/// The gradient by each weight, or one time step's part of it.
template <class T>
struct ElmanCellGradients {
    Tensor<T> U, W, b;
};

/// The values and gradients that BPTT computes on its way. Vectors have an element for each time step, t = 1,
/// ..., T.
template <class T>
struct ElmanCellBptt {
    ElmanCellGradients<T> total;               ///< dJ/dU, dJ/dW, dJ/db
    Tensor<T> x;                               ///< dJ/dx, [T, B, I]
    Tensor<T> initial_state;                   ///< dJ/dh(0), [B, H]
    std::vector<ElmanCellGradients<T>> terms;  ///< what each time step contributes to `total`
    std::vector<Tensor<T>> states;             ///< dJ~/dh(t), the output's own part included, [B, H]
    /// The cotangent that the time step behind hands back to h(t); at T, dJ by the final state.
    std::vector<Tensor<T>> from_later;
    std::vector<Tensor<T>> preactivations;  ///< D(t) dJ~/dh(t), [B, H]
    std::vector<Tensor<T>> h;               ///< the states themselves: h(0) and then h(1), ..., h(T)
};

/// Backpropagation through time of the cell alone, for any loss: `outputs` is dJ/dh(t) as the loss has it,
/// [T, B, H], and `final_state` what it has besides by h(T), which the last output is not part of.
///
///     dJ~/dh(t) = outputs(t) + (D(t+1) dJ~/dh(t+1)) W'            at t = T, with `final_state` behind the +
///
/// and the rest as below. Throws `std::invalid_argument` when shapes do not fit.
template <class T>
ElmanCellBptt<T> elman_cell_bptt(const ElmanCellWeights<T>& weights, const Tensor<T>& x,
                                 const Tensor<T>& initial_state, const Tensor<T>& outputs,
                                 const Tensor<T>& final_state);

/// The Elman network with its output layer: h(t) = f(x(t) U + h(t-1) W + b), o(t) = h(t) V + c.
template <class T>
struct ElmanWeights {
    Tensor<T> U;  ///< [I, H]
    Tensor<T> W;  ///< [H, H]
    Tensor<T> b;  ///< [H]
    Tensor<T> V;  ///< [H, O]
    Tensor<T> c;  ///< [O]
    Activation activation = Activation::tanh;
};

/// The gradient by each weight, or one time step's part of it.
template <class T>
struct ElmanGradients {
    Tensor<T> U, W, b, V, c;
};

/// The gradients that BPTT of the network computes.
template <class T>
struct ElmanBptt {
    T loss;                                 ///< J
    ElmanGradients<T> total;                ///< dJ/dU, dJ/dW, dJ/db, dJ/dV, dJ/dc
    Tensor<T> x;                            ///< dJ/dx, [T, B, I]
    Tensor<T> initial_state;                ///< dJ/dh(0), [B, H]
    std::vector<ElmanGradients<T>> terms;   ///< what each time step contributes to `total`
    std::vector<Tensor<T>> outputs;         ///< dJ/do(t), [B, O]
    std::vector<Tensor<T>> states;          ///< dJ~/dh(t), [B, H]
    std::vector<Tensor<T>> from_later;      ///< what the time step behind hands back to h(t)
    std::vector<Tensor<T>> preactivations;  ///< D(t) dJ~/dh(t), [B, H]
    std::vector<Tensor<T>> h;               ///< the states themselves: h(0) and then h(1), ..., h(T)
};

/// Backpropagation through time of the network, for any loss: `outputs` is dJ/do(t) as the loss has it,
/// [T, B, O], and `final_state` what it has by h(T) besides. `loss` stays 0, for it is not known. Throws
/// `std::invalid_argument` when shapes do not fit.
template <class T>
ElmanBptt<T> elman_network_bptt(const ElmanWeights<T>& weights, const Tensor<T>& x,
                                const Tensor<T>& initial_state, const Tensor<T>& outputs,
                                const Tensor<T>& final_state);

/// Backpropagation through time (Rumelhart, Hinton and Williams 1986; Werbos 1990) for softmax and cross
/// entropy, J = sum over t of J(t), averaged over the batch. x is [T, B, I], `targets` [T, B] with classes
/// below O, and `initial_state`, h(0), is [B, H].
///
/// The textbook has columns, and U as [H, I], W as [H, H], V as [O, H] to their left:
///
///     dJ/do(t)   = y(t) - target(t)                                  y(t) = softmax(o(t))
///     dJ~/dh(T)  = V' dJ/do(T)
///     dJ~/dh(t)  = W' D(t+1) dJ~/dh(t+1) + V' dJ/do(t)               J~ is the loss from t on
///     dJ/dV = sum dJ/do(t) h(t)'              dJ/dc = sum dJ/do(t)
///     dJ/dW = sum D(t) dJ~/dh(t) h(t-1)'      dJ/dU = sum D(t) dJ~/dh(t) x(t)'
///     dJ/db = sum D(t) dJ~/dh(t)
///
/// where ' transposes and D(t) is the diagonal matrix of f's slopes, 1 - h(t)² for tanh. Here a row of a
/// matrix is one element of the batch, and a weight stands to the right as [I, H]: what the textbook calls U,
/// W and V are the transposes of these, a product reverses its order (W' D dJ~/dh is (dJ~/dh D) W'), and an
/// outer product becomes x(t)' times [B, H], which sums over the batch.
///
/// Throws `std::invalid_argument` when shapes do not fit or a target is out of range.
template <class T>
ElmanBptt<T> elman_bptt(const ElmanWeights<T>& weights, const Tensor<T>& x, const Targets& targets,
                        const Tensor<T>& initial_state);

extern template ElmanCellBptt<float> elman_cell_bptt(const ElmanCellWeights<float>&, const Tensor<float>&,
                                                     const Tensor<float>&, const Tensor<float>&,
                                                     const Tensor<float>&);
extern template ElmanCellBptt<double> elman_cell_bptt(const ElmanCellWeights<double>&, const Tensor<double>&,
                                                      const Tensor<double>&, const Tensor<double>&,
                                                      const Tensor<double>&);
extern template ElmanBptt<float> elman_network_bptt(const ElmanWeights<float>&, const Tensor<float>&,
                                                    const Tensor<float>&, const Tensor<float>&,
                                                    const Tensor<float>&);
extern template ElmanBptt<double> elman_network_bptt(const ElmanWeights<double>&, const Tensor<double>&,
                                                     const Tensor<double>&, const Tensor<double>&,
                                                     const Tensor<double>&);
extern template ElmanBptt<float> elman_bptt(const ElmanWeights<float>&, const Tensor<float>&, const Targets&,
                                            const Tensor<float>&);
extern template ElmanBptt<double> elman_bptt(const ElmanWeights<double>&, const Tensor<double>&,
                                             const Targets&, const Tensor<double>&);

}  // namespace tapeloop::nn::closed_form
