#pragma once

#include <autograd/shape.hpp>

namespace tapeloop::nn {

/// Options of `OnnxModel` and `save_onnx`.
struct OnnxOptions {
    /// The shape of one time step of one row, such as {I}. Empty, it is read off the first layer's weights,
    /// which works for all layers of the library and for cells whose `U` is [I, ..].
    Shape input = {};
    /// Whether inputs and outputs are [B, T, ..] instead of [T, B, ..].
    bool batch_first = false;
    /// Whether the model has a second input, `lengths` [B] of int32: what stands behind the end of a row has
    /// no influence, and outputs there are 0.
    bool lengths = false;
    /// Whether a model with an `AttentionCell`, which has an input `source` [S, B, K], has another one,
    /// `source_lengths` [B] of int32: what stands behind the end of a row of the source has no influence.
    bool source_lengths = false;
    /// Whether the initial states are inputs, `state0`, `state1`, ..., and the final ones outputs,
    /// `final_state0`, ..., in the order of the parts of the model's state. Else a sequence starts from the
    /// initial state of each layer.
    bool states = false;
};

}  // namespace tapeloop::nn
