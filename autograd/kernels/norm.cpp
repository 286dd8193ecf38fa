#include <autograd/kernels/norm.hpp>

#include <array>
#include <cmath>
#include <numeric>

namespace tapeloop::detail {

template <class T>
double largest_magnitude(const T* elements, std::size_t count) {
    double largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto element = static_cast<double>(elements[i]);
        if (std::isnan(element)) return element;
        largest = std::max(largest, std::abs(element));
    }
    return largest;
}

namespace {

// Combines the magnitudes of all elements; eight running results hide the latency of one.
template <class T, class Combine>
std::array<double, 8> combined(std::span<const std::span<const T>> arrays, const Combine& combine) {
    std::array<double, 8> running{};
    for (const std::span<const T> x : arrays) {
        const std::size_t whole = x.size() / 8 * 8;
        for (std::size_t i = 0; i < whole; i += 8)
            for (std::size_t k = 0; k < 8; ++k)
                running[k] = combine(running[k], std::abs(static_cast<double>(x[i + k])));
        for (std::size_t i = whole; i < x.size(); ++i)
            running[0] = combine(running[0], std::abs(static_cast<double>(x[i])));
    }
    return running;
}

}  // namespace

double ScaledNorm::value() const { return std::ldexp(fraction, exponent); }

template <class T>
ScaledNorm scaled_norm(std::span<const std::span<const T>> arrays) {
    const auto larger = [](double a, double b) { return a > b ? a : b; };
    const std::array<double, 8> maxima = combined(arrays, larger);
    const double largest = *std::max_element(maxima.begin(), maxima.end());
    // Relative to a power of two near the largest element, so that squares neither overflow nor vanish;
    // 2^1000 is as far as the scale of a subnormal one may go.
    const bool scalable = largest > 0 && std::isfinite(largest);
    const int exponent = scalable ? std::max(std::ilogb(largest), -1000) : 0;
    const double scale = std::ldexp(1.0, -exponent);
    const auto add_square = [scale](double sum, double x) { return sum + (x * scale) * (x * scale); };
    const std::array<double, 8> sums = combined(arrays, add_square);
    return {std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0)), exponent};
}

template <class T>
double norm_of(const T* elements, std::size_t count) {
    const std::span<const T> array(elements, count);
    return scaled_norm<T>({&array, 1}).value();
}

template double largest_magnitude(const float*, std::size_t);
template double largest_magnitude(const double*, std::size_t);
template ScaledNorm scaled_norm(std::span<const std::span<const float>>);
template ScaledNorm scaled_norm(std::span<const std::span<const double>>);
template double norm_of(const float*, std::size_t);
template double norm_of(const double*, std::size_t);

}  // namespace tapeloop::detail
