#pragma once

#include <autograd/var.hpp>

namespace tapeloop {

/// The values of a recurrence that is linear in what it carries on, elementwise along the first axis:
///
///     h(t) = a(t) h(t - 1) + b(t),   h(-1) = start
///
/// a and b are [T, ..] and broadcast to each other, start is [..], and so is each of the T values of the
/// result; `reversed` it goes from the last to the first. One pass forward and one backward take the place of
/// T operations of each kind: minGRU, minLSTM, SRU, QRNN and diagonal state spaces have no other loop. The
/// values are to the bit those of `a(t) * h + b(t)`. Threads share the columns of long sequences. Throws
/// `std::invalid_argument` when the shapes do not fit.
Var<float> linear_recurrence(const Operand<float>& a, const Operand<float>& b, const Operand<float>& start,
                             bool reversed = false);
Var<double> linear_recurrence(const Operand<double>& a, const Operand<double>& b,
                              const Operand<double>& start, bool reversed = false);

}  // namespace tapeloop
