#pragma once

#include <autograd/ops/elementary.hpp>
#include <autograd/ops/elementwise.hpp>

namespace tapeloop::nn {

/// The function that squashes a gate into 0 .. 1.
enum class GateActivation {
    sigmoid,      ///< 1 / (1 + e^-a)
    hard_sigmoid  ///< 0.2 a + 0.5, limited to 0 .. 1: Keras' before version 3, which has a / 6 + 0.5
};

/// Applies the function to a gate's pre-activation: a value of a `map`, or a `Var`.
template <class A>
auto squash(GateActivation activation, const A& a) {
    return activation == GateActivation::sigmoid ? sigmoid(a) : clip(0.2 * a + 0.5, 0, 1);
}

}  // namespace tapeloop::nn
