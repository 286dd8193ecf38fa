#include <fmt/format.h>
#include <optim/clip_by_norm.hpp>
#include <optim/fused_update.hpp>
#include <optim/slots.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::optim {
namespace {

template <class T>
void require_finite(const Gradients<T>& gradients) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        const Tensor<T>& gradient = gradients.at(i);
        const std::size_t bad = first_not_finite(gradient);
        if (bad < gradient.size())
            throw std::invalid_argument(
                fmt::format("clip_by_norm: gradient {} of {}, which is {}, has {} at element {}; nothing was scaled",
                            i + 1, gradients.size(), shape_of(gradient).text(), gradient.data()[bad], bad));
    }
}

// In double and relative to the largest element, so that squares neither overflow nor vanish.
template <class T>
double norm_of(const Gradients<T>& gradients) {
    double largest = 0;
    for (const Tensor<T>& gradient : gradients)
        for (T element : gradient) largest = std::max(largest, std::abs(static_cast<double>(element)));
    if (largest == 0) return 0;
    double sum = 0;
    for (const Tensor<T>& gradient : gradients)
        for (T element : gradient) {
            const double share = static_cast<double>(element) / largest;
            sum += share * share;
        }
    return largest * std::sqrt(sum);
}

template <class T>
double clip(Gradients<T>& gradients, double max_norm) {
    if (!(max_norm >= 0))
        throw std::invalid_argument(fmt::format("clip_by_norm: max_norm is {}; it must not be negative", max_norm));
    require_finite(gradients);
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
