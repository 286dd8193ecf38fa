#include <fmt/format.h>
#include <optim/clip_by_norm.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace tapeloop::optim {
namespace {

// Combines the magnitudes of all elements; eight running results hide the latency of one.
template <class T, class Combine>
std::array<double, 8> combined(const Gradients<T>& gradients, const Combine& combine) {
    std::array<double, 8> running{};
    for (const Tensor<T>& gradient : gradients) {
        const T* g = gradient.data();
        const std::size_t whole = gradient.size() / 8 * 8;
        for (std::size_t i = 0; i < whole; i += 8)
            for (std::size_t k = 0; k < 8; ++k) running[k] = combine(running[k], std::abs(double(g[i + k])));
        for (std::size_t i = whole; i < gradient.size(); ++i)
            running[0] = combine(running[0], std::abs(double(g[i])));
    }
    return running;
}

// Relative to a power of two near the largest element, so that squares neither overflow nor vanish.
template <class T>
double norm_of(const Gradients<T>& gradients) {
    const auto larger = [](double a, double b) { return a > b ? a : b; };
    const std::array<double, 8> maxima = combined(gradients, larger);
    const double largest = *std::max_element(maxima.begin(), maxima.end());
    if (largest == 0) return 0;
    const int exponent = std::max(std::ilogb(largest), -1000);
    const double scale = std::ldexp(1.0, -exponent);
    const auto add_square = [scale](double sum, double x) { return sum + (x * scale) * (x * scale); };
    const std::array<double, 8> sums = combined(gradients, add_square);
    return std::ldexp(std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0)), exponent);
}

template <class T>
double clip(Gradients<T>& gradients, double max_norm) {
    if (!(max_norm >= 0))
        throw std::invalid_argument(
            fmt::format("clip_by_norm: max_norm is {}; it must not be negative", max_norm));
    require_finite("clip_by_norm", gradients, "nothing was scaled");
    const double norm = norm_of(gradients);
    const double factor = max_norm / (norm + 1e-6);
    if (factor >= 1) return norm;
    for (Tensor<T>& gradient : gradients) {
        T* g = gradient.data();
        fused_update<T, 1, 1>(shape_of(gradient), {g}, {g},
                              [=](const auto& in, auto& out) { out[0] = in[0] * static_cast<T>(factor); });
    }
    return norm;
}

}  // namespace

double clip_by_norm(Gradients<float>& gradients, double max_norm) { return clip(gradients, max_norm); }
double clip_by_norm(Gradients<double>& gradients, double max_norm) { return clip(gradients, max_norm); }

}  // namespace tapeloop::optim
