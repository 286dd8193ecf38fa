#pragma once

#include <autograd/kernels/product.hpp>

#include <cstdint>
#include <vector>

namespace tapeloop::detail {

/// Computes products, and keeps copies of right-hand matrices that come again and again, as the weights of a
/// cell do, in the layout that the gemm reads fastest: transposed once instead of in every product, and with
/// rows that do not lie a multiple of 4 KB apart, which would crowd them into a few sets of the cache. Copies
/// are known by address, so they are kept only while somebody vouches that what lies there stays, and not
/// beyond a change that a parameter tells of.
template <class T>
class RepeatedProducts {
  public:
    /// Writes the product, which has `shape`, to the target, or adds it there.
    void compute(const Product<T>& product, const Shape& shape, const Target<T>& target);

    /// Returns whether a copy of the right-hand matrix would ever be worth it: else `compute` does what the
    /// product does.
    static bool is_worth_a_copy(const Product<T>& product);

    /// Until `let_go`, right-hand matrices stay where they are and as they are. Calls nest.
    void hold() { ++holders_; }
    void let_go() {
        if (--holders_ == 0) forget();
    }
    void forget() { matrices_.clear(); }

    /// A scope that ends with as many holders as it began with, also after an exception.
    class Holders {
      public:
        explicit Holders(RepeatedProducts& products) : products_(products), count_(products.holders_) {}
        ~Holders() {
            while (products_.holders_ > count_) products_.let_go();
        }
        Holders(const Holders&) = delete;
        Holders& operator=(const Holders&) = delete;

      private:
        RepeatedProducts& products_;
        std::size_t count_;
    };

  private:
    struct Matrix {
        const T* source;
        Shape shape;  // another one's elements may lie there, too
        bool transposed;
        Array<T> copy;  // [k, columns and padding], empty until the second product
    };
    const Array<T>* copy_of(const Product<T>& product);

    void remember(const Product<T>& product);

    std::vector<Matrix> matrices_;
    std::size_t holders_ = 0;
    std::uint64_t changes_ = 0;  // of all values, when the copies were made
};

extern template class RepeatedProducts<float>;
extern template class RepeatedProducts<double>;

}  // namespace tapeloop::detail
