#pragma once

#include <autograd/tensor.hpp>

#include <vector>

/// LAPACK, as the study of Jacobians needs it. Matrices must be finite and not empty: `std::runtime_error` is
/// thrown where LAPACK finds no result, and `std::bad_alloc` where it would find no memory. What is small
/// stays on one thread.
namespace tapeloop::detail {

/// Returns the singular values of a matrix [n, m]: min(n, m) of them, largest first.
std::vector<double> singular_values(const Tensor<double>& matrix);
/// The largest singular value of [n, m]; 0 for a matrix without elements.
double spectral_norm(const Tensor<double>& matrix);
/// The largest magnitude of an eigenvalue of [n, n].
double spectral_radius(const Tensor<double>& matrix);

/// Q [n, n] with orthonormal columns, and R [n, n], zero below its diagonal, of a matrix Q R [n, n].
struct Orthogonalised {
    Tensor<double> Q;
    Tensor<double> R;
};
Orthogonalised orthogonalised(const Tensor<double>& matrix);

/// a [n, k] times b [k, m]: [n, m].
Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b);

}  // namespace tapeloop::detail
