#include <fmt/format.h>
#include <optim/clip_by_norm.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

template <class T, class F>
void change_each(Gradients<T>& gradients, const F& change) {
    for (Tensor<T>& gradient : gradients) {
        T* g = gradient.data();
        fused_update<T, 1, 1>(shape_of(gradient), {g}, {g},
                              [&](const auto& in, auto& out) { out[0] = change(in[0]); });
    }
}

template <class T>
double clip_norm(Gradients<T>& gradients, double max_norm) {
    if (!(max_norm >= 0))
        throw std::invalid_argument(
            fmt::format("clip_by_norm: max_norm is {}; it must not be negative", max_norm));
    require_finite("clip_by_norm", gradients, "nothing was scaled");
    const tapeloop::detail::ScaledNorm scaled = tapeloop::detail::scaled_norm(gradients);
    const double norm = scaled.value();
    // The factor times 2^exponent: it is in range also where the norm is not.
    const double scaled_factor = max_norm / (scaled.fraction + std::ldexp(1e-6, -scaled.exponent));
    const double factor =
        std::isfinite(norm) ? max_norm / (norm + 1e-6) : std::ldexp(scaled_factor, -scaled.exponent);
    if (factor >= 1) return norm;
    if (scaled.exponent <= 0 || factor >= double{std::numeric_limits<T>::min()}) {
        const T by = static_cast<T>(factor);
        change_each(gradients, [by](const auto& g) { return by * g; });
    } else {  // no T is near the factor, but its two parts are
        const T to_one = static_cast<T>(std::ldexp(1.0, -scaled.exponent));
        const T by = static_cast<T>(scaled_factor);
        change_each(gradients, [=](const auto& g) { return by * (to_one * g); });
    }
    return norm;
}

}  // namespace

double clip_by_norm(Gradients<float>& gradients, double max_norm) { return clip_norm(gradients, max_norm); }
double clip_by_norm(Gradients<double>& gradients, double max_norm) { return clip_norm(gradients, max_norm); }

}  // namespace tapeloop::optim
