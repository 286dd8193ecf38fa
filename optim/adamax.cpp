#include <optim/adamax.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

#include <cmath>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

AdamaxOptions checked(const AdamaxOptions& options) {
    require_below_one("adamax", "beta1", options.beta1);
    require_below_one("adamax", "beta2", options.beta2);
    require_not_negative("adamax", "epsilon", options.epsilon);
    require_not_negative("adamax", "weight_decay", options.weight_decay);
    return options;
}

}  // namespace

template <class T>
Adamax<T>::Adamax(const ParameterList<T>& parameters, AdamaxOptions options)
    : Optimizer<T>("adamax", parameters, 2, options.learning_rate), options_(checked(options)) {
    this->name_options({{"beta1", options.beta1},
                        {"beta2", options.beta2},
                        {"epsilon", options.epsilon},
                        {"weight_decay", options.weight_decay}});
}

template <class T>
void Adamax<T>::step(const Gradients<T>& gradients) {
    const auto n = static_cast<double>(this->steps() + 1);
    const T rate = static_cast<T>(this->learning_rate() / (1 - std::pow(options_.beta1, n)));
    const T beta1 = static_cast<T>(options_.beta1);
    const T beta2 = static_cast<T>(options_.beta2);
    const T rest1 = static_cast<T>(1 - options_.beta1);
    const T epsilon = static_cast<T>(options_.epsilon);
    const T decay = static_cast<T>(options_.weight_decay);

    this->update(gradients, [=](Slot<T>& slot, const Tensor<T>& gradient) {
        fused_update<2>(slot, gradient, [=](const auto& in, auto& out) {
            const auto [value, mean, largest, plain_g] = in;
            const auto g = plain_g + decay * value;
            const auto size = abs(g) + epsilon;
            const auto faded = beta2 * largest;
            out[1] = beta1 * mean + rest1 * g;
            out[2] = where(faded < size, size, faded);
            out[0] = value - quotient_or_zero(rate * out[1], out[2]);
        });
    });
}

template class Adamax<float>;
template class Adamax<double>;

}  // namespace tapeloop::optim
