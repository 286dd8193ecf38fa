#include <autograd/kernels/products/blas.hpp>
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/study/jacobian/decompositions.hpp>

#include <xtensor-blas/xlinalg.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>

namespace tapeloop::detail {

namespace {

bool is_diagonal(const Tensor<double>& matrix) {
    const std::size_t columns = matrix.shape(1);
    for (std::size_t i = 0; i < matrix.size(); ++i)
        if (i / columns != i % columns && matrix.data()[i] != 0) return false;
    return true;
}

}  // namespace

std::vector<double> singular_values(const Tensor<double>& matrix) {
    const BlasScope scope(matrix.size());
    const auto decomposed = xt::linalg::svd(matrix, false, false);  // without singular vectors
    const auto& values = std::get<1>(decomposed);
    return {values.begin(), values.end()};
}

double spectral_norm(const Tensor<double>& matrix) {
    if (matrix.size() == 0) return 0;
    // The part of the activations often is, and the direct part of many cells is 0.
    if (!is_diagonal(matrix)) return singular_values(matrix).front();
    return std::abs(*std::max_element(matrix.begin(), matrix.end(),
                                      [](double a, double b) { return std::abs(a) < std::abs(b); }));
}

double spectral_radius(const Tensor<double>& matrix) {
    const BlasScope scope(matrix.size());
    double radius = 0;
    for (const std::complex<double>& value : xt::linalg::eigvals(matrix))
        radius = std::max(radius, std::abs(value));
    return radius;
}

Orthogonalised orthogonalised(const Tensor<double>& matrix) {
    const BlasScope scope(matrix.size());
    const auto [Q, R] = xt::linalg::qr(matrix);
    return {Tensor<double>(Q), Tensor<double>(R)};
}

Tensor<double> product(const Tensor<double>& a, const Tensor<double>& b) {
    Tensor<double> result = uninitialised<double>({a.shape(0), b.shape(1)});
    gemm<double>({}, a.shape(0), b.shape(1), a.shape(1), a.data(), a.shape(1), b.data(), b.shape(1), 0.0,
                 result.data(), b.shape(1));
    return result;
}

}  // namespace tapeloop::detail
