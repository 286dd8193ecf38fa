#pragma once

#include <nn/cells/gate_activation.hpp>

namespace tapeloop::nn {

/// The meaning of a GRU's update gate z, for the old state h and the candidate n.
enum class Update {
    keeps,  ///< h' = z h + (1 - z) n: Cho et al. 2014, cuDNN, PyTorch, Keras, ONNX
    takes   ///< h' = (1 - z) h + z n: Chung et al. 2014, and many lectures
};

/// Options of all GRUs.
struct GruOptions {
    Update update = Update::keeps;
    GateActivation gate_activation = GateActivation::sigmoid;
};

/// h' by the rule above: of values of a `map`, or of `Var`s.
template <class Z, class H, class N>
auto updated(Update update, const Z& z, const H& h, const N& n) {
    return update == Update::keeps ? z * h + (1 - z) * n : (1 - z) * h + z * n;
}

}  // namespace tapeloop::nn
