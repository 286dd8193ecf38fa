#pragma once

#include <autograd/kernels/array.hpp>

namespace tapeloop {

/// The way in which a product reads an operand: as it lies, or transposed without moving anything.
struct Transposed {
    bool a = false;
    bool b = false;
};

namespace detail {

/// C = A B + beta C, beta 0 or 1, for row-major matrices, A [m, k] and B [k, n] after their transposes; the
/// only place where the library chooses how products are computed. `columns_*` are the extents of the
/// matrices as they lie.
template <class T>
void gemm(Transposed transposed, std::size_t m, std::size_t n, std::size_t k, const T* a,
          std::size_t columns_a, const T* b, std::size_t columns_b, T beta, T* c, std::size_t columns_c);

extern template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                          const float*, std::size_t, float, float*, std::size_t);
extern template void gemm(Transposed, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                          const double*, std::size_t, double, double*, std::size_t);

}  // namespace detail

}  // namespace tapeloop
