#pragma once

#include <autograd/kernels/products/gemm.hpp>
#include <autograd/var.hpp>

/// Products of matrices and vectors. They go to one gemm on raw pointers, transposes as flags; neither a
/// product nor its rules copy a transpose. Shapes that do not fit throw `std::invalid_argument`.
namespace tapeloop {

/// The matrix product of a [.., M, K] and b [.., K, N]: [.., M, N]. The axes in front are batches and
/// broadcast; a b of rank 2 serves all batches in a single product. `transposed` reads the last two axes of
/// an argument exchanged.
Var<float> matmul(const Operand<float>& a, const Operand<float>& b, Transposed transposed = {});
Var<double> matmul(const Operand<double>& a, const Operand<double>& b, Transposed transposed = {});

/// x W + b for x [.., K] and W [K, N]; b broadcasts to the result [.., N]: a bias [N], or a part of the sum
/// that was computed before. One product that starts from b.
Var<float> affine(const Operand<float>& x, const Operand<float>& W, const Operand<float>& b);
Var<double> affine(const Operand<double>& x, const Operand<double>& W, const Operand<double>& b);

/// The inner product of two vectors [N], a scalar.
Var<float> dot(const Operand<float>& a, const Operand<float>& b);
Var<double> dot(const Operand<double>& a, const Operand<double>& b);

/// The outer product of two vectors [M] and [N]: [M, N].
Var<float> outer(const Operand<float>& a, const Operand<float>& b);
Var<double> outer(const Operand<double>& a, const Operand<double>& b);

}  // namespace tapeloop
