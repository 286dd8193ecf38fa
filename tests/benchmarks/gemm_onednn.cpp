#include <dnnl.h>

#include "gemm.hpp"

namespace tapeloop::benchmarks {

bool onednn_gemm(Transpose a, Transpose b, Index m, Index n, Index k, const float* A, Index a_stride,
                 const float* B, Index b_stride, float beta, float* C, Index c_stride) {
    const auto flag = [](Transpose transpose) { return transpose == Transpose::yes ? 'T' : 'N'; };
    return dnnl_sgemm(flag(a), flag(b), m, n, k, 1.0F, A, a_stride, B, b_stride, beta, C, c_stride) ==
           dnnl_success;
}

}  // namespace tapeloop::benchmarks
