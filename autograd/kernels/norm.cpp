#include <autograd/kernels/norm.hpp>

#include <cmath>

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

template <class T>
double norm_of(const T* elements, std::size_t count) {
    // Scaled, so that squares of tiny and of huge elements stay in range.
    const double largest = largest_magnitude(elements, count);
    if (largest == 0 || !std::isfinite(largest)) return largest;
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double share = static_cast<double>(elements[i]) / largest;
        sum += share * share;
    }
    return largest * std::sqrt(sum);
}

template double largest_magnitude(const float*, std::size_t);
template double largest_magnitude(const double*, std::size_t);
template double norm_of(const float*, std::size_t);
template double norm_of(const double*, std::size_t);

}  // namespace tapeloop::detail
