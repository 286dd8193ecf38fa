// Row-major single-precision matrix products through whichever library is faster for the size.
#pragma once

#include "workload.hpp"

namespace tapeloop::benchmarks {

// A row-major matrix whose rows may be wider than its columns.
struct Matrix {
    Index rows = 0;
    Index columns = 0;
    Index stride = 0;
    Floats data;

    Matrix() = default;
    Matrix(Index row_count, Index column_count, Index row_stride)
        : rows(row_count),
          columns(column_count),
          stride(row_stride),
          data(static_cast<std::size_t>(row_count * row_stride)) {}

    float* row(Index i) { return data.data() + i * stride; }
    const float* row(Index i) const { return data.data() + i * stride; }
};

// Rows that are a multiple of 4 KiB apart fall into the same cache sets: a recurrent product with H = 1024
// takes a third longer then. Sixteen more floats a row avoid it and keep the alignment.
constexpr Index padded_stride(Index columns) { return columns % 1024 == 0 ? columns + 16 : columns; }

enum class Transpose { no, yes };

// C = op(A) op(B) + beta C, where op(A) is [m, k] and op(B) is [k, n].
void gemm(Transpose a, Transpose b, Index m, Index n, Index k, const float* A, Index a_stride, const float* B,
          Index b_stride, float beta, float* C, Index c_stride);

// oneDNN's product; false when oneDNN was not installed at build time.
bool onednn_gemm(Transpose a, Transpose b, Index m, Index n, Index k, const float* A, Index a_stride,
                 const float* B, Index b_stride, float beta, float* C, Index c_stride);

// transposed = matrix^T
void transpose(const Matrix& matrix, Matrix& transposed);

}  // namespace tapeloop::benchmarks
