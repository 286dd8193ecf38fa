#pragma once

#include <autograd/var.hpp>

#include <array>

namespace tapeloop::nn::detail {

/// Returns h' = a ⊙ h + b of a cell that carries on complex numbers, their real and imaginary parts side by
/// side in h and b; the coefficients are Re a, Im a and b.
Var<float> complex_step(const std::array<Var<float>, 3>& coefficients, const Var<float>& h);
Var<double> complex_step(const std::array<Var<double>, 3>& coefficients, const Var<double>& h);

}  // namespace tapeloop::nn::detail
