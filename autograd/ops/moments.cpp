#include <autograd/kernels/reduction.hpp>
#include <autograd/ops/array_functions.hpp>
#include <autograd/ops/moments.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

template <class T>
constexpr T largest = std::numeric_limits<T>::max();

/// The bound below which a sum of squares may have lost digits of those that underflowed.
template <class T>
constexpr T smallest_sum = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon();

/// The power of two that brings `size` near 1; 1 for 0 and what is not finite.
template <class T>
T scale_of(T size) {
    if (size == 0 || !std::isfinite(size)) return 1;
    constexpr int most = std::numeric_limits<T>::max_exponent - 2;
    return std::ldexp(T(1), std::clamp(-std::ilogb(size), -most, most));
}

template <class T>
T count(const Array<T>& x, const Shape& shape) {
    const std::size_t each = x.size() / std::max<std::size_t>(shape.size(), 1);
    return static_cast<T>(each);
}

/// Sums of squares, and how the elements of each were scaled before.
template <class T>
class ScaledSquares {
  public:
    ScaledSquares(const Array<T>& x, const Shape& shape, double epsilon = 0) : sums_(shape) {
        sum_into(square(x), shape, {sums_.data(), false});
        if (std::all_of(sums_.elements().begin(), sums_.elements().end(),
                        [&](T sum) { return is_in_range(sum, epsilon); }))
            return;
        const Buffer<T> scales(shape);
        max_into(abs(x), shape, scales.data());
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            T& scale = scales.data()[i];
            scale = is_in_range(sums_.data()[i], epsilon)
                        ? T(1)
                        : scale_of(std::max(scale, static_cast<T>(std::sqrt(epsilon))));
        }
        sum_into(square(x * scales), shape, {sums_.data(), false});
        scales_.assign(scales.data(), scales.data() + scales.size());
    }

    std::size_t size() const { return sums_.size(); }
    T sum(std::size_t i) const { return sums_.data()[i]; }
    T scale(std::size_t i) const { return scales_.empty() ? T(1) : scales_[i]; }

  private:
    static bool is_in_range(T sum, double epsilon) {
        return sum <= largest<T> && (sum >= smallest_sum<T> || epsilon >= smallest_sum<T>);
    }

    Buffer<T> sums_;
    std::vector<T> scales_;
};

}  // namespace

template <class T>
void mean_into(const Array<T>& x, const Shape& shape, T* target) {
    const T n = count(x, shape);
    sum_into(x, shape, {target, false});
    std::vector<T> divisors(shape.size(), n);
    const auto is_finite = [](T sum) { return std::isfinite(sum); };
    if (!std::all_of(target, target + shape.size(), is_finite)) {
        const Buffer<T> scales(shape);
        for (std::size_t i = 0; i < scales.size(); ++i) {
            scales.data()[i] = is_finite(target[i]) ? T(1) : scale_of(n) / 2;
            divisors[i] *= scales.data()[i];
        }
        sum_into(x * scales, shape, {target, false});
    }
    for (std::size_t i = 0; i < shape.size(); ++i) target[i] /= divisors[i];
}

template <class T>
void mean_square_into(const Array<T>& x, const Shape& shape, T* target) {
    const ScaledSquares<T> squares(x, shape);
    const T n = count(x, shape);
    for (std::size_t i = 0; i < squares.size(); ++i)
        target[i] = squares.sum(i) / n / squares.scale(i) / squares.scale(i);
}

template <class T>
void norm_into(const Array<T>& x, const Shape& shape, T* target) {
    const ScaledSquares<T> squares(x, shape);
    for (std::size_t i = 0; i < squares.size(); ++i) target[i] = std::sqrt(squares.sum(i)) / squares.scale(i);
}

template <class T>
void deviation_into(const Array<T>& x, const Shape& shape, double epsilon, T* target) {
    const ScaledSquares<T> squares(x, shape, epsilon);
    const T n = count(x, shape);
    for (std::size_t i = 0; i < squares.size(); ++i) {
        const T scale = squares.scale(i);
        const T scaled_epsilon = static_cast<T>(epsilon * scale * scale);
        target[i] = std::sqrt(squares.sum(i) / n + scaled_epsilon) / scale;
    }
}

template void mean_into(const Array<float>&, const Shape&, float*);
template void mean_into(const Array<double>&, const Shape&, double*);
template void mean_square_into(const Array<float>&, const Shape&, float*);
template void mean_square_into(const Array<double>&, const Shape&, double*);
template void norm_into(const Array<float>&, const Shape&, float*);
template void norm_into(const Array<double>&, const Shape&, double*);
template void deviation_into(const Array<float>&, const Shape&, double, float*);
template void deviation_into(const Array<double>&, const Shape&, double, double*);

}  // namespace tapeloop::detail
