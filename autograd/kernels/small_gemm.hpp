#pragma once

#include <autograd/kernels/gemm.hpp>

namespace tapeloop::detail {

/// Computes what `gemm` does, in registers, without packing anything and on one thread: the faster way for
/// products that fit into the first-level caches. With b as it lies, an element of the result is one chain of
/// multiply-adds in the order of k: it depends on its row of a and its column of b only, and not on how many
/// others there are. `add` says whether it is added to what is in c.
template <class T>
void small_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
                std::size_t columns_a, const T* b, std::size_t columns_b, bool add, T* c,
                std::size_t columns_c);

extern template void small_gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                                const float*, std::size_t, bool, float*, std::size_t);
extern template void small_gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                                const double*, std::size_t, bool, double*, std::size_t);

}  // namespace tapeloop::detail
