#pragma once

#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/files/onnx/onnx_builder.hpp>

/// The cells for which ONNX has operators: RNN, LSTM and GRU.
namespace tapeloop::nn::detail {

/// The weights of one direction as the operator has them: W [n H, I], R [n H, H] and the biases of both, [2 n
/// H], gates one below the other in the operator's order.
struct OnnxRecurrent {
    std::string op;
    std::size_t input_size = 0;
    std::size_t hidden_size = 0;
    std::vector<float> W = {};
    std::vector<float> R = {};
    std::vector<float> B = {};
    std::vector<std::string> activations = {};
    std::vector<OnnxAttribute> attributes = {};

    std::size_t gates() const { return R.size() / (hidden_size * hidden_size); }
    /// True if the state is h and c.
    bool has_memory() const { return op == "LSTM"; }
};

/// One function of the gates i, o, f, c, as ONNX packs them.
template <class T>
OnnxRecurrent onnx_recurrent(const LstmCell<T>& cell);
/// A GRU whose update gate takes the new state is one that keeps the old one, with 1 - s(a) = s(-a).
template <class T>
OnnxRecurrent onnx_recurrent(const GruCell<T>& cell);
template <class T>
OnnxRecurrent onnx_recurrent(const ResetBeforeGruCell<T>& cell);
template <class T>
OnnxRecurrent onnx_recurrent(const ElmanCell<T>& cell);

template <class C>
concept OnnxCell = requires(const C& cell) {
    { onnx_recurrent(cell) } -> std::same_as<OnnxRecurrent>;
};

/// Adds one operator for one direction, or for both, forward first, whose outputs are then side by side.
/// Returns the outputs, [T, B, H] or [T, B, 2H].
OnnxValue append_recurrent(OnnxBuilder& builder, const std::vector<OnnxRecurrent>& directions,
                           const OnnxValue& sequence, bool reverse);

#define TAPELOOP_ONNX_RECURRENT(extern_, T)                                      \
    extern_ template OnnxRecurrent onnx_recurrent(const LstmCell<T>&);           \
    extern_ template OnnxRecurrent onnx_recurrent(const GruCell<T>&);            \
    extern_ template OnnxRecurrent onnx_recurrent(const ResetBeforeGruCell<T>&); \
    extern_ template OnnxRecurrent onnx_recurrent(const ElmanCell<T>&);
TAPELOOP_ONNX_RECURRENT(extern, float)
TAPELOOP_ONNX_RECURRENT(extern, double)

}  // namespace tapeloop::nn::detail
