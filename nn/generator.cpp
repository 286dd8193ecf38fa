#include <fmt/format.h>
#include <nn/generator.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <tuple>

namespace tapeloop::nn {
namespace {

constexpr std::size_t words = std::tuple_size_v<decltype(GeneratorState::words)>;
constexpr std::uint64_t upper_bits = ~std::uint64_t{0} << 31;

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

Generator::Generator(std::uint64_t seed) {
    std::uint64_t word = seed;
    for (std::size_t i = 0; i < words; ++i) {
        state_.words[i] = word;
        word = 6364136223846793005U * (word ^ (word >> 62)) + i + 1;
    }
    state_.used = words;
}

void Generator::make_words() {
    auto& x = state_.words;
    for (std::size_t i = 0; i < words; ++i) {
        const std::uint64_t joined = (x[i] & upper_bits) | (x[(i + 1) % words] & ~upper_bits);
        const std::uint64_t twisted = (joined >> 1) ^ ((joined & 1) * 0xb5026f5aa96619e9U);
        x[i] = x[(i + words / 2) % words] ^ twisted;
    }
    state_.used = 0;
}

void Generator::require_valid(const GeneratorState& state) {
    const auto& x = state.words;
    // From zeros only zeros follow; of the first word the upper bits alone have a part in it.
    if ((x[0] & upper_bits) == 0 && std::all_of(x.begin() + 1, x.end(), [](auto word) { return word == 0; }))
        throw std::invalid_argument("generator: the words of the state are all 0");
    if (state.used > words)
        throw std::invalid_argument(
            fmt::format("generator: the state has used {} of {} words", state.used, words));
    if (state.spare && !std::isfinite(*state.spare))
        throw std::invalid_argument(fmt::format("generator: the state's normal number is {}", *state.spare));
}

void Generator::restore(const GeneratorState& state) {
    require_valid(state);
    state_ = state;
}

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
    if (state_.spare) {
        const double spare = *state_.spare;
        state_.spare.reset();
        return spare;
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
    state_.spare = b * length;
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
