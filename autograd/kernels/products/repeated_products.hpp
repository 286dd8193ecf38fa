#pragma once

#include <autograd/kernels/products/packed_matrix.hpp>
#include <autograd/kernels/products/product.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace tapeloop::detail {

/// Computes products, and keeps right-hand matrices that come again and again, as the weights of a cell do,
/// packed: once, instead of in the product of every time step. They are known by address, so they are kept
/// only while somebody vouches that what lies there stays, and not beyond a change that a parameter tells of.
template <class T>
class RepeatedProducts {
  public:
    /// Writes the product, which has `shape`, to the target, or adds it there.
    void compute(const Product<T>& product, const Shape& shape, const Target<T>& target);

    /// Returns whether it would ever be worth packing the right-hand matrix: else `compute` does what the
    /// product does.
    static bool is_worth_packing(const Product<T>& product);

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
        std::optional<PackedMatrix<T>> packed;  // from the second product on
    };
    const PackedMatrix<T>* packed(const Product<T>& product);

    void remember(const Product<T>& product);

    std::vector<Matrix> matrices_;
    std::size_t holders_ = 0;
    std::uint64_t changes_ = 0;  // of all values, when the matrices were packed
};

extern template class RepeatedProducts<float>;
extern template class RepeatedProducts<double>;

}  // namespace tapeloop::detail
