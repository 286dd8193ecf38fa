#pragma once

#include <autograd/var.hpp>

/// Elementwise operations. Arguments broadcast by NumPy's rules: aligned at the last axis, extents must be
/// equal or 1; the result has the broadcast shape. Shapes that do not fit throw `std::invalid_argument`. The
/// operators
/// + - * / < <= > >= call `add`, `subtract`, ... Values and rules stand in autograd/map/elementary.hpp.
namespace tapeloop {

Var<float> add(const Operand<float>& a, const Operand<float>& b);
Var<double> add(const Operand<double>& a, const Operand<double>& b);
Var<float> subtract(const Operand<float>& a, const Operand<float>& b);
Var<double> subtract(const Operand<double>& a, const Operand<double>& b);
Var<float> multiply(const Operand<float>& a, const Operand<float>& b);
Var<double> multiply(const Operand<double>& a, const Operand<double>& b);
Var<float> divide(const Operand<float>& a, const Operand<float>& b);
Var<double> divide(const Operand<double>& a, const Operand<double>& b);
Var<float> negate(const Operand<float>& x);
Var<double> negate(const Operand<double>& x);

/// 1 where it holds and 0 elsewhere, for `where`; no cotangent passes.
Var<float> less(const Operand<float>& a, const Operand<float>& b);
Var<double> less(const Operand<double>& a, const Operand<double>& b);
Var<float> less_equal(const Operand<float>& a, const Operand<float>& b);
Var<double> less_equal(const Operand<double>& a, const Operand<double>& b);
Var<float> equal(const Operand<float>& a, const Operand<float>& b);
Var<double> equal(const Operand<double>& a, const Operand<double>& b);

/// Elements of a where the condition is not 0, of b elsewhere. The branch that was not taken does not leak,
/// be it infinite or NaN.
Var<float> where(const Operand<float>& condition, const Operand<float>& a, const Operand<float>& b);
Var<double> where(const Operand<double>& condition, const Operand<double>& a, const Operand<double>& b);

/// At a = b each gets half of the cotangent. NaN if one of them is.
Var<float> maximum(const Operand<float>& a, const Operand<float>& b);
Var<double> maximum(const Operand<double>& a, const Operand<double>& b);
Var<float> minimum(const Operand<float>& a, const Operand<float>& b);
Var<double> minimum(const Operand<double>& a, const Operand<double>& b);
/// x^p, each of which may be a number. 0^0 is 1, with gradient 0 in x. The gradient of 0^p in p is 0 for p >=
/// 0 and -inf below.
Var<float> pow(const Operand<float>& x, const Operand<float>& p);
Var<double> pow(const Operand<double>& x, const Operand<double>& p);

/// e^x; like the functions that follow within two units of the last place, subnormal numbers included, and
/// with the same bits on every processor that has fused multiply-add. 0 and inf only where no number is
/// nearer.
Var<float> exp(const Operand<float>& x);
Var<double> exp(const Operand<double>& x);
/// Of 0 it is -inf, and NaN of what is negative.
Var<float> log(const Operand<float>& x);
Var<double> log(const Operand<double>& x);
/// e^x - 1, exact for small x.
Var<float> expm1(const Operand<float>& x);
Var<double> expm1(const Operand<double>& x);
/// log(1 + x), exact for small x. Of -1 it is -inf, and NaN below.
Var<float> log1p(const Operand<float>& x);
Var<double> log1p(const Operand<double>& x);
/// The gradient at 0 is infinite, as computed.
Var<float> sqrt(const Operand<float>& x);
Var<double> sqrt(const Operand<double>& x);
Var<float> square(const Operand<float>& x);
Var<double> square(const Operand<double>& x);
/// The gradient at 0 is 0.
Var<float> abs(const Operand<float>& x);
Var<double> abs(const Operand<double>& x);
Var<float> sin(const Operand<float>& x);
Var<double> sin(const Operand<double>& x);
Var<float> cos(const Operand<float>& x);
Var<double> cos(const Operand<double>& x);
Var<float> tanh(const Operand<float>& x);
Var<double> tanh(const Operand<double>& x);
/// 1 / (1 + e^-x)
Var<float> sigmoid(const Operand<float>& x);
Var<double> sigmoid(const Operand<double>& x);
/// log(1 + e^x)
Var<float> softplus(const Operand<float>& x);
Var<double> softplus(const Operand<double>& x);
/// max(x, 0); the gradient at 0 is 0.
Var<float> relu(const Operand<float>& x);
Var<double> relu(const Operand<double>& x);
/// x where x > 0, `leak` x elsewhere.
Var<float> leaky_relu(const Operand<float>& x, double leak = 0.01);
Var<double> leaky_relu(const Operand<double>& x, double leak = 0.01);
/// x where x > 0, `alpha` (e^x - 1) elsewhere.
Var<float> elu(const Operand<float>& x, double alpha = 1);
Var<double> elu(const Operand<double>& x, double alpha = 1);
/// x limited to [low, high]; passes the cotangent inside and on the bounds. Throws when low > high.
Var<float> clip(const Operand<float>& x, double low, double high);
Var<double> clip(const Operand<double>& x, double low, double high);

// The cotangent of a product whose zeros stay zero whatever the slope; what rules scale with.
Var<float> scale(const Operand<float>& g, const Operand<float>& slope);
Var<double> scale(const Operand<double>& g, const Operand<double>& slope);

}  // namespace tapeloop
