#pragma once

#include <autograd/kernels/products/gemm.hpp>

namespace tapeloop::detail {

/// So many multiplications are worth a second thread.
inline constexpr std::size_t worth_two_threads = 1'000'000;

/// Computes what `gemm` does, in tiles of the result that stay in registers. An element of the result is one
/// chain of multiply-adds in the order of k, by blocks: it depends on its row of a and its column of b only,
/// not on how many others there are. With b transposed and a as it lies, that holds from 32 rows on; fewer
/// are inner products, which are summed across the lanes of registers. Neither that b is packed for many
/// rows nor that large products are shared with a second thread changes a bit. `add` says whether the product
/// is added to what is in c.
template <class T>
void tiled_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
                std::size_t columns_a, const T* b, std::size_t columns_b, bool add, T* c,
                std::size_t columns_c);

extern template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                                const float*, std::size_t, bool, float*, std::size_t);
extern template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                                const double*, std::size_t, bool, double*, std::size_t);

}  // namespace tapeloop::detail
