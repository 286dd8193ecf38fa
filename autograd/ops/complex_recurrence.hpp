#pragma once

#include <autograd/var.hpp>

namespace tapeloop {

/// The values of `linear_recurrence` for complex numbers,
///
///     h(t) = (re(t) + i im(t)) h(t - 1) + b(t),   h(-1) = start
///
/// b and the result are [T, .., 2N] and start is [.., 2N], each with the real parts of N numbers along its
/// last axis and then the imaginary ones; re and im, the two parts of the coefficient, are or broadcast to
/// [T, .., N]. `reversed` it goes from the last to the first. Cotangents lie as what they belong to, parts as
/// real numbers. The values are to the bit those of
///
///     re(t) * h_re - im(t) * h_im + b_re(t)
///     re(t) * h_im + im(t) * h_re + b_im(t)
///
/// It is one pass forward and one backward, and threads share the columns of long sequences. Throws
/// `std::invalid_argument` when the shapes do not fit.
Var<float> complex_recurrence(const Operand<float>& re, const Operand<float>& im, const Operand<float>& b,
                              const Operand<float>& start, bool reversed = false);
Var<double> complex_recurrence(const Operand<double>& re, const Operand<double>& im, const Operand<double>& b,
                               const Operand<double>& start, bool reversed = false);

}  // namespace tapeloop
