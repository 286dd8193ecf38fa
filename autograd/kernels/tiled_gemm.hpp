#pragma once

#include <autograd/kernels/gemm.hpp>

namespace tapeloop::detail {

/// Computes what `gemm` does, in tiles of the result that stay in registers. It packs b for many rows only,
/// and uses a second thread for large products, neither of which changes a bit: but with b transposed and few
/// rows of a, an element of the result is one chain of multiply-adds in the order of k, by blocks. It depends
/// on its row of a and its column of b only, and not on how many others there are. `add` says whether it is
/// added to what is in c.
template <class T>
void tiled_gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
                std::size_t columns_a, const T* b, std::size_t columns_b, bool add, T* c,
                std::size_t columns_c);

extern template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                                const float*, std::size_t, bool, float*, std::size_t);
extern template void tiled_gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                                const double*, std::size_t, bool, double*, std::size_t);

}  // namespace tapeloop::detail
