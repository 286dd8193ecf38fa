#include <autograd/kernels/changes.hpp>
#include <autograd/kernels/repeated_products.hpp>
#include <autograd/kernels/strided.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

// Below this many multiplications, or with fewer rows, a product reads a transposed matrix as fast as any.
constexpr std::size_t worth_transposing = 16'000;
constexpr std::size_t worth_transposing_rows = 4;
// Rows this far apart, or a multiple of it, fall into the same sets of the first-level cache.
constexpr std::size_t crowding_bytes = 4096;
constexpr std::size_t padding_bytes = 64;
// Fewer rows than this do not repay reading the matrix once more for a copy without crowding.
constexpr std::size_t worth_padding_rows = 8;
// More matrices than the weights of a deep stack have come once: what attention reads, another one each time.
constexpr std::size_t most_matrices = 64;

template <class T>
bool is_crowded(std::size_t columns) {
    return columns * sizeof(T) % crowding_bytes == 0;
}

template <class T>
Array<T> laid_out(const Array<T>& b, bool transposed) {
    View view = View::of(b.shape());
    if (transposed) view = view.permuted(std::array<std::size_t, 2>{1, 0});
    const std::size_t columns = view.shape[1];
    const std::size_t padding = is_crowded<T>(columns) ? padding_bytes / sizeof(T) : 0;
    Buffer<T> copy(Shape{view.shape[0], columns + padding});
    transfer(view, b.data(), View::of(copy.shape()).sliced(1, 0, columns), Target<T>{copy.data(), false});
    return copy;
}

}  // namespace

template <class T>
bool RepeatedProducts<T>::is_worth_a_copy(const Product<T>& product) {
    if (!product.is_single() || product.transposed.a) return false;
    // Its place must be its own as long as the tape lives: that of a cotangent is soon another one's.
    if (product.b.memory().bytes() != 0) return false;
    if (product.transposed.b)
        return product.rows() >= worth_transposing_rows &&
               product.rows() * product.columns() * product.inner() >= worth_transposing;
    return is_crowded<T>(product.columns()) && product.rows() >= worth_padding_rows;
}

template <class T>
const Array<T>* RepeatedProducts<T>::copy_of(const Product<T>& product) {
    if (holders_ == 0 || !is_worth_a_copy(product)) return nullptr;
    if (std::exchange(changes_, changes_in_place) != changes_in_place) forget();
    const auto known = std::find_if(matrices_.begin(), matrices_.end(), [&](const Matrix& matrix) {
        return matrix.source == product.b.data() && matrix.shape == product.b.shape() &&
               matrix.transposed == product.transposed.b;
    });
    if (known == matrices_.end()) {
        remember(product);
        return nullptr;
    }
    if (known->copy.data() == nullptr) known->copy = laid_out(product.b, known->transposed);
    return &known->copy;
}

template <class T>
void RepeatedProducts<T>::remember(const Product<T>& product) {
    if (matrices_.size() == most_matrices) {
        const auto unused = std::find_if(matrices_.begin(), matrices_.end(),
                                         [](const Matrix& matrix) { return matrix.copy.data() == nullptr; });
        if (unused == matrices_.end()) return;
        matrices_.erase(unused);
    }
    matrices_.push_back({product.b.data(), product.b.shape(), product.transposed.b, {}});
}

template <class T>
void RepeatedProducts<T>::compute(const Product<T>& product, const Shape& shape, const Target<T>& target) {
    const Array<T>* b = copy_of(product);
    if (b == nullptr) return product.compute(shape, target.data, target.add);
    gemm({}, product.rows(), product.columns(), product.inner(), product.a.data(), product.a.shape().back(),
         b->data(), b->shape()[1], target.add ? T(1) : T(0), target.data, product.columns());
}

template class RepeatedProducts<float>;
template class RepeatedProducts<double>;

}  // namespace tapeloop::detail
