#pragma once

#include <autograd/kernels/pass.hpp>
#include <autograd/kernels/products/gemm.hpp>

namespace tapeloop {

namespace detail {

/// A matrix product that a rule returned and that has not been computed yet: whoever receives it can write it
/// where it belongs, add it to what is there, or put it off until more rows of the same weight have come.
template <class T>
struct Product {
    Array<T> a;  ///< [.., M, K], or [.., K, M] transposed; the axes in front are batches
    Array<T> b;  ///< [.., K, N], or [.., N, K] transposed
    Transposed transposed;

    /// Returns whether one gemm computes it: two matrices, or one matrix b for all batches of a.
    bool is_single() const { return b.shape().rank() == 2 && (a.shape().rank() == 2 || !transposed.a); }
    std::size_t rows() const { return transposed.a ? a.shape().back() : row_count(a); }
    std::size_t inner() const { return transposed.a ? row_count(a) : a.shape().back(); }
    std::size_t columns() const { return b.shape()[b.shape().rank() - (transposed.b ? 2 : 1)]; }

    /// Writes the product, which has `shape`, to `target`, or adds it there.
    void compute(const Shape& shape, T* target, bool add) const {
        const T beta = add ? T(1) : T(0);
        if (is_single()) {
            gemm(transposed, rows(), columns(), inner(), a.data(), a.shape().back(), b.data(),
                 b.shape().back(), beta, target, columns());
            return;
        }
        // Batch by batch: a walk over the batch axes, whose runs are single steps through the operands.
        const std::size_t m = shape[shape.rank() - 2];
        const std::size_t k = a.shape()[a.shape().rank() - (transposed.a ? 2 : 1)];
        each_batch(shape, [&](std::size_t at_a, std::size_t at_b, std::size_t at_y) {
            gemm(transposed, m, columns(), k, a.data() + at_a, a.shape().back(), b.data() + at_b,
                 b.shape().back(), beta, target + at_y, columns());
        });
    }

    Array<T> array() const {
        Shape shape = broadcast("matmul", batch(a.shape()), batch(b.shape()));
        shape.append(a.shape()[a.shape().rank() - (transposed.a ? 1 : 2)]);
        shape.append(columns());
        Buffer<T> result(shape);
        compute(shape, result.data(), false);
        return result;
    }

  private:
    static std::size_t row_count(const Array<T>& x) {
        std::size_t rows = 1;
        for (std::size_t i = 0; i + 1 < x.shape().rank(); ++i) rows *= x.shape()[i];
        return rows;
    }
    static Shape batch(const Shape& shape) {
        Shape leading;
        for (std::size_t i = 0; i + 2 < shape.rank(); ++i) leading.append(shape[i]);
        return leading;
    }
    static std::size_t matrix_size(const Shape& shape) {
        return shape[shape.rank() - 1] * shape[shape.rank() - 2];
    }
    template <class F>
    void each_batch(const Shape& shape, F&& f) const {
        const Shape all = batch(shape);
        const Shape own_a = batch(a.shape());
        const Shape own_b = batch(b.shape());
        for (std::size_t index = 0; index < all.size(); ++index)
            f(offset(index, all, own_a) * matrix_size(a.shape()),
              offset(index, all, own_b) * matrix_size(b.shape()), index * matrix_size(shape));
    }
    /// Returns which matrix of `own`, broadcast to `all`, is the one at `index` of `all`.
    static std::size_t offset(std::size_t index, const Shape& all, const Shape& own) {
        std::size_t result = 0;
        std::size_t stride = 1;
        for (std::size_t back = 0; back < own.rank(); ++back) {
            const std::size_t extent = all[all.rank() - 1 - back];
            const std::size_t own_extent = own[own.rank() - 1 - back];
            if (own_extent != 1) result += index % extent * stride;
            index /= extent;
            stride *= own_extent;
        }
        return result;
    }
};

}  // namespace detail

/// `matmul` of arrays, for rules.
template <class T>
detail::Product<T> matmul(const Array<T>& a, const Array<T>& b, Transposed transposed = {}) {
    return {a, b, transposed};
}

}  // namespace tapeloop
