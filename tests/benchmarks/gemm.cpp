#include "gemm.hpp"

#include <cblas.h>

namespace tapeloop::benchmarks {

namespace {

// Measured on an AVX-512 machine: below this product of the three extents OpenBLAS's path without packing
// wins (up to three times at H = 16), above it oneDNN does (by 10 to 45 %).
constexpr Index largest_for_openblas = 262144;

blasint narrow(Index value) { return static_cast<blasint>(value); }

CBLAS_TRANSPOSE flag(Transpose transpose) { return transpose == Transpose::yes ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm(Transpose a, Transpose b, Index m, Index n, Index k, const float* A, Index a_stride, const float* B,
          Index b_stride, float beta, float* C, Index c_stride) {
    if (m * n * k > largest_for_openblas &&
        onednn_gemm(a, b, m, n, k, A, a_stride, B, b_stride, beta, C, c_stride)) {
        return;
    }
    cblas_sgemm(CblasRowMajor, flag(a), flag(b), narrow(m), narrow(n), narrow(k), 1.0F, A, narrow(a_stride),
                B, narrow(b_stride), beta, C, narrow(c_stride));
}

void transpose(const Matrix& matrix, Matrix& transposed) {
    cblas_somatcopy(CblasRowMajor, CblasTrans, narrow(matrix.rows), narrow(matrix.columns), 1.0F,
                    matrix.row(0), narrow(matrix.stride), transposed.row(0), narrow(transposed.stride));
}

}  // namespace tapeloop::benchmarks
