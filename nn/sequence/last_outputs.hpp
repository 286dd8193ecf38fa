#pragma once

#include <autograd/var.hpp>
#include <nn/sequence/lengths.hpp>

#include <vector>

namespace tapeloop::nn {

/// The output of each row at its last time step that counts: [T, B, ..] -> [B, ..]. A row of length 0 gives
/// zeros; what stands behind the end of a row, NaN included, has no influence on value and gradient. With
/// empty `lengths` it is the last time step of all rows. Throws `std::invalid_argument` when `outputs` has no
/// two axes, there is not one length for each row, or one is above T.
Var<float> last_outputs(const Operand<float>& outputs, const Lengths& lengths = {});
Var<double> last_outputs(const Operand<double>& outputs, const Lengths& lengths = {});

}  // namespace tapeloop::nn
