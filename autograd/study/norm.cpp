#include <autograd/study/norm.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {

double norm_of(const Tensor<double>& x) {
    // Scaled, so that squares of tiny and of huge elements stay in range.
    double largest = 0;
    for (double element : x) {
        if (std::isnan(element)) return element;
        largest = std::max(largest, std::abs(element));
    }
    if (largest == 0 || std::isinf(largest)) return largest;
    double sum = 0;
    for (double element : x) sum += (element / largest) * (element / largest);
    return largest * std::sqrt(sum);
}

}  // namespace tapeloop::detail
