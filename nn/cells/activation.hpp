#pragma once

#include <autograd/var.hpp>

namespace tapeloop::nn {

/// The nonlinearity of a cell, for those that leave the choice.
enum class Activation { tanh, relu, sigmoid };

/// Applies the function to each element.
Var<float> activate(Activation activation, const Operand<float>& x);
Var<double> activate(Activation activation, const Operand<double>& x);

}  // namespace tapeloop::nn
