#include <fmt/format.h>
#include <optim/clip_by_value.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

template <class T>
void clip_values(Gradients<T>& gradients, double max_value) {
    if (!(max_value >= 0))
        throw std::invalid_argument(
            fmt::format("clip_by_value: max_value is {}; it must not be negative", max_value));
    require_finite("clip_by_value", gradients, "nothing was clipped");
    const T high = static_cast<T>(std::min(max_value, double{std::numeric_limits<T>::max()}));
    for (Tensor<T>& gradient : gradients) {
        T* g = gradient.data();
        fused_update<T, 1, 1>(shape_of(gradient), {g}, {g}, [=](const auto& in, auto& out) {
            out[0] = where(in[0] > high, high, where(in[0] < -high, -high, in[0]));
        });
    }
}

}  // namespace

void clip_by_value(Gradients<float>& gradients, double max_value) { clip_values(gradients, max_value); }
void clip_by_value(Gradients<double>& gradients, double max_value) { clip_values(gradients, max_value); }

}  // namespace tapeloop::optim
