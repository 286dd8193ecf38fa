#include <autograd/kernels/gemm.hpp>
#include <autograd/study/jacobian/decompositions.hpp>

#include <xtensor-blas/xlinalg.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>

namespace tapeloop::detail {

std::vector<double> singular_values(const Tensor<double>& matrix) {
    const auto decomposed = xt::linalg::svd(matrix, false, false);
    const auto& values = std::get<1>(decomposed);
    return {values.begin(), values.end()};
}

double spectral_norm(const Tensor<double>& matrix) {
    return matrix.size() == 0 ? 0 : singular_values(matrix).front();
}

double spectral_radius(const Tensor<double>& matrix) {
    double radius = 0;
    for (const std::complex<double>& value : xt::linalg::eigvals(matrix))
        radius = std::max(radius, std::abs(value));
    return radius;
}

Orthogonalised orthogonalised(const Tensor<double>& matrix) {
    const auto [Q, R] = xt::linalg::qr(matrix);
    Orthogonalised result{Tensor<double>(Q), {}};
    for (std::size_t i = 0; i < R.shape(0); ++i) result.stretch.push_back(std::abs(R(i, i)));
    return result;
}

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b) {
    Tensor<double> result = uninitialised<double>({a.shape(0), b.shape(1)});
    gemm<double>({}, a.shape(0), b.shape(1), a.shape(1), a.data(), a.shape(1), b.data(), b.shape(1), 0.0,
                 result.data(), b.shape(1));
    return result;
}

}  // namespace tapeloop::detail
