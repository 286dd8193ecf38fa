#include <autograd/gemm.hpp>

#include <xtensor-blas/xblas.hpp>

#include <algorithm>

#if defined(TAPELOOP_HAS_ONEDNN)
#include <dnnl.h>
#endif

namespace tapeloop {
namespace {

template <class T>
void blas_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
               std::size_t columns_a, const T* b, std::size_t columns_b, T beta, T* c,
               std::size_t columns_c) {
    using Int = CBLAS_INT;
    cxxblas::gemm<Int>(cxxblas::RowMajor, transposed.a ? cxxblas::Trans : cxxblas::NoTrans,
                       transposed.b ? cxxblas::Trans : cxxblas::NoTrans, static_cast<Int>(m),
                       static_cast<Int>(n), static_cast<Int>(k), T(1), a, static_cast<Int>(columns_a), b,
                       static_cast<Int>(columns_b), beta, c, static_cast<Int>(columns_c));
}

#if defined(TAPELOOP_HAS_ONEDNN)
// Up to this many multiplications OpenBLAS, which skips packing there and stays on one thread, is the faster
// one.
constexpr std::size_t onednn_above = 262'144;

bool onednn_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const float* a,
                 std::size_t columns_a, const float* b, std::size_t columns_b, float beta, float* c,
                 std::size_t columns_c) {
    if (m * n * k <= onednn_above) return false;
    using Dim = dnnl_dim_t;
    return dnnl_sgemm(transposed.a ? 'T' : 'N', transposed.b ? 'T' : 'N', static_cast<Dim>(m),
                      static_cast<Dim>(n), static_cast<Dim>(k), 1.0F, a, static_cast<Dim>(columns_a), b,
                      static_cast<Dim>(columns_b), beta, c, static_cast<Dim>(columns_c)) == dnnl_success;
}
#endif

}  // namespace

template <class T>
void gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
          std::size_t columns_a, const T* b, std::size_t columns_b, T beta, T* c, std::size_t columns_c) {
    if (m == 0 || n == 0) return;
    if (k == 0) {
        if (beta == T(0))
            for (std::size_t row = 0; row < m; ++row) std::fill_n(c + row * columns_c, n, T(0));
        return;
    }
#if defined(TAPELOOP_HAS_ONEDNN)
    if constexpr (std::is_same_v<T, float>)
        if (onednn_gemm(transposed, m, n, k, a, columns_a, b, columns_b, beta, c, columns_c)) return;
#endif
    blas_gemm(transposed, m, n, k, a, columns_a, b, columns_b, beta, c, columns_c);
}

template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t, const float*,
                   std::size_t, float, float*, std::size_t);
template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                   const double*, std::size_t, double, double*, std::size_t);

}  // namespace tapeloop
