#include <fmt/format.h>
#include <nn/generator.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn {
namespace {

// The logarithm by its series in (m - 1) / (m + 1): the C library's differs from machine to machine in the
// last digit.
double portable_log(double x) {
    int exponent = 0;
    double m = std::frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2;
        --exponent;
    }
    const double s = (m - 1) / (m + 1);
    const double square = s * s;
    double series = 0;
    for (int power = 23; power >= 1; power -= 2) series = series * square + 1.0 / power;
    return exponent * 0.69314718055994531 + 2 * s * series;
}

}  // namespace

double Generator::uniform(double low, double high) {
    const double width = high - low;
    if (!(width >= 0) || std::isinf(width))
        throw std::invalid_argument(fmt::format(
            "uniform: low is {} and high {}; low must not be above high, nor their distance infinite", low,
            high));
    const double drawn = low + width * uniform();
    return drawn < high ? drawn : std::nextafter(high, low);  // where the sum was rounded up
}

double Generator::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    double a = 0;
    double b = 0;
    double square = 0;
    do {
        a = uniform(-1, 1);
        b = uniform(-1, 1);
        square = a * a + b * b;
    } while (square >= 1 || square == 0);
    const double length = std::sqrt(-2 * portable_log(square) / square);
    spare_ = b * length;
    has_spare_ = true;
    return a * length;
}

std::size_t Generator::below(std::size_t count) {
    if (count == 0) throw std::invalid_argument("below: count is 0; there is no number below it");
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t n = count;
    const std::uint64_t incomplete = (largest % n + 1) % n;  // so many at the top would favour small results
    std::uint64_t drawn = bits();
    while (drawn > largest - incomplete) drawn = bits();
    return static_cast<std::size_t>(drawn % n);
}

}  // namespace tapeloop::nn
