#include <autograd/kernels/products/blas.hpp>
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/kernels/products/tiled_gemm.hpp>
#include <autograd/kernels/threads.hpp>

#include <algorithm>

#if defined(TAPELOOP_HAS_ONEDNN)
#include <dnnl.h>
#endif

namespace tapeloop::detail {
namespace {

#if defined(TAPELOOP_HAS_ONEDNN)
// Above so many multiplications oneDNN's products are the faster ones.
constexpr std::size_t worth_onednn = 131'072;
constexpr std::size_t onednn_tile = 48;  // rows and columns of its kernels' tiles divide it

/// C as `gemm` makes it, on this thread alone.
void onednn_part(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const float* a,
                 std::size_t columns_a, const float* b, std::size_t columns_b, float beta, float* c,
                 std::size_t columns_c) {
    using Dim = dnnl_dim_t;
    const OneThread alone;
    // It crashes without memory for its buffers, and says so when it gets none for what it packs.
    if (blas_has_memory() &&
        dnnl_sgemm(transposed.a ? 'T' : 'N', transposed.b ? 'T' : 'N', static_cast<Dim>(m),
                   static_cast<Dim>(n), static_cast<Dim>(k), 1.0F, a, static_cast<Dim>(columns_a), b,
                   static_cast<Dim>(columns_b), beta, c, static_cast<Dim>(columns_c)) == dnnl_success)
        return;
    tiled_gemm(transposed, m, n, k, a, columns_a, b, columns_b, beta != 0, c, columns_c);
}

/// The longer side is parted between whole tiles, and its parts shared.
void onednn_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const float* a,
                 std::size_t columns_a, const float* b, std::size_t columns_b, float beta, float* c,
                 std::size_t columns_c) {
    const bool by_rows = m > n;
    const std::size_t extent = by_rows ? m : n;
    const std::size_t tiles = (extent + onednn_tile - 1) / onednn_tile;
    const std::size_t parts = m * n * k < worth_two_threads ? 1 : std::min(thread_count(), tiles);
    in_parallel(parts, [&](std::size_t part) {
        const std::size_t first = part * tiles / parts * onednn_tile;
        const std::size_t count = std::min(extent, (part + 1) * tiles / parts * onednn_tile) - first;
        if (by_rows)
            onednn_part(transposed, count, n, k, a + first * (transposed.a ? 1 : columns_a), columns_a, b,
                        columns_b, beta, c + first * columns_c, columns_c);
        else
            onednn_part(transposed, m, count, k, a, columns_a, b + first * (transposed.b ? columns_b : 1),
                        columns_b, beta, c + first, columns_c);
    });
}
#endif

// Of longer inner products the halves are summed each on its own: the weights' gradient of a long batch would
// lose digits in one sum.
constexpr std::size_t inner_at_once = 4096;

/// The sum of the products of both halves of the inner axis.
template <class T>
void gemm_by_halves(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
                    std::size_t columns_a, const T* b, std::size_t columns_b, T beta, T* c,
                    std::size_t columns_c) {
    const std::size_t half = (k / inner_at_once + 1) / 2 * inner_at_once;
    gemm(transposed, m, n, half, a, columns_a, b, columns_b, beta, c, columns_c);
    const Buffer<T> rest(Shape{m, n});
    gemm(transposed, m, n, k - half, a + half * (transposed.a ? columns_a : 1), columns_a,
         b + half * (transposed.b ? 1 : columns_b), columns_b, T(0), rest.data(), n);
    for (std::size_t row = 0; row < m; ++row)
        for (std::size_t i = 0; i < n; ++i) c[row * columns_c + i] += rest.data()[row * n + i];
}

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
    if (k > inner_at_once)
        return gemm_by_halves(transposed, m, n, k, a, columns_a, b, columns_b, beta, c, columns_c);
#if defined(TAPELOOP_HAS_ONEDNN)
    if constexpr (std::is_same_v<T, float>)
        if (m * n * k > worth_onednn)
            return onednn_gemm(transposed, m, n, k, a, columns_a, b, columns_b, beta, c, columns_c);
#endif
    tiled_gemm(transposed, m, n, k, a, columns_a, b, columns_b, beta != T(0), c, columns_c);
}

template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t, const float*,
                   std::size_t, float, float*, std::size_t);
template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                   const double*, std::size_t, double, double*, std::size_t);

}  // namespace tapeloop::detail
