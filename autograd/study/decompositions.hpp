#pragma once

#include <autograd/tensor.hpp>

#include <vector>

/// LAPACK, as the study of Jacobians needs it. Matrices must be finite and not empty.
namespace tapeloop::detail {

/// Largest first.
std::vector<double> singular_values(const Tensor<double>& matrix);
/// The largest singular value; 0 for a matrix without elements.
double spectral_norm(const Tensor<double>& matrix);
/// The largest magnitude of an eigenvalue of a square matrix.
double spectral_radius(const Tensor<double>& matrix);

/// Q with orthonormal columns, and the magnitudes on R's diagonal, of a square matrix Q R.
struct Orthogonalised {
    Tensor<double> Q;
    std::vector<double> stretch;
};
Orthogonalised orthogonalised(const Tensor<double>& matrix);

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b);

}  // namespace tapeloop::detail
