#pragma once

#include <autograd/kernels/product.hpp>

#include <vector>

namespace tapeloop {

/// Computes products, and keeps copies of right-hand matrices that come again and again, as the weights of a
/// cell do, in the layout that the gemm reads fastest: transposed once instead of in every product, and with
/// rows that do not lie a multiple of 4 KB apart, which would crowd them into a few sets of the cache.
template <class T>
class RepeatedProducts {
  public:
    /// Writes the product, which has `shape`, to the target, or adds it there.
    void compute(const Product<T>& product, const Shape& shape, const Target<T>& target);

  private:
    struct Matrix {
        const T* source;
        Shape shape;  // another one's elements may lie there, too
        bool transposed;
        Array<T> copy;  // [k, columns and padding], empty until the second product
    };
    const Array<T>* copy_of(const Product<T>& product);

    std::vector<Matrix> matrices_;
};

extern template class RepeatedProducts<float>;
extern template class RepeatedProducts<double>;

}  // namespace tapeloop
