#pragma once

#include <autograd/kernels/array.hpp>

namespace tapeloop::detail {

/// A right-hand matrix [k, n], copied to the order in which the tiles read it: by blocks of k and columns of
/// tiles, one behind the other. Many products with few rows each are computed faster from it than from the
/// matrix, of whose rows a column of tiles reads a few elements only. A product has the bits that
/// `tiled_gemm` gives it without a transpose, whatever the number of rows.
template <class T>
class PackedMatrix {
  public:
    /// Copies b, [k, n] or, transposed, [n, k], whose rows have `columns_b` elements.
    PackedMatrix(const T* b, std::size_t columns_b, bool transposed, std::size_t k, std::size_t n);

    /// C = A B, or C += A B, for A [m, k] and C [m, n].
    void multiply(std::size_t m, const T* a, std::size_t columns_a, bool add, T* c,
                  std::size_t columns_c) const;

  private:
    std::size_t inner_;
    std::size_t columns_;
    Array<T> elements_;
};

extern template class PackedMatrix<float>;
extern template class PackedMatrix<double>;

}  // namespace tapeloop::detail
