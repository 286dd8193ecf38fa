#include <autograd/kernels/changes.hpp>
#include <autograd/kernels/products/repeated_products.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

// Below this many multiplications, or with fewer rows, a product reads the matrix as fast as it lies; with
// more rows, what it takes to pack it in every product is little.
constexpr std::size_t worth_packing_product = 16'000;
constexpr std::size_t fewest_rows_packed = 4;
constexpr std::size_t most_rows_packed = 192;
// More matrices than the weights of a deep stack have come once: what attention reads, another one each time.
constexpr std::size_t most_matrices = 64;

}  // namespace

template <class T>
bool RepeatedProducts<T>::is_worth_packing(const Product<T>& product) {
    // Its place must be its own as long as the tape lives: that of a cotangent is soon another one's.
    return product.is_single() && !product.transposed.a && product.b.memory().bytes() == 0 &&
           product.rows() >= fewest_rows_packed && product.rows() <= most_rows_packed &&
           product.rows() * product.columns() * product.inner() >= worth_packing_product;
}

template <class T>
const PackedMatrix<T>* RepeatedProducts<T>::packed(const Product<T>& product) {
    if (holders_ == 0 || !is_worth_packing(product)) return nullptr;
    if (std::exchange(changes_, changes_in_place) != changes_in_place) forget();
    const auto known = std::find_if(matrices_.begin(), matrices_.end(), [&](const Matrix& matrix) {
        return matrix.source == product.b.data() && matrix.shape == product.b.shape() &&
               matrix.transposed == product.transposed.b;
    });
    if (known == matrices_.end()) {
        remember(product);
        return nullptr;
    }
    if (!known->packed)
        known->packed.emplace(product.b.data(), product.b.shape().back(), known->transposed, product.inner(),
                              product.columns());
    return &*known->packed;
}

template <class T>
void RepeatedProducts<T>::remember(const Product<T>& product) {
    if (matrices_.size() == most_matrices) {
        const auto unused = std::find_if(matrices_.begin(), matrices_.end(),
                                         [](const Matrix& matrix) { return !matrix.packed; });
        if (unused == matrices_.end()) return;
        matrices_.erase(unused);
    }
    matrices_.push_back({product.b.data(), product.b.shape(), product.transposed.b, std::nullopt});
}

template <class T>
void RepeatedProducts<T>::compute(const Product<T>& product, const Shape& shape, const Target<T>& target) {
    const PackedMatrix<T>* const b = packed(product);
    if (b == nullptr) return product.compute(shape, target.data, target.add);
    b->multiply(product.rows(), product.a.data(), product.a.shape().back(), target.add, target.data,
                product.columns());
}

template class RepeatedProducts<float>;
template class RepeatedProducts<double>;

}  // namespace tapeloop::detail
