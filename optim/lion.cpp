#include <optim/fused_update.hpp>
#include <optim/lion.hpp>
#include <optim/require.hpp>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

LionOptions checked(const LionOptions& options) {
    require_below_one("lion", "beta1", options.beta1);
    require_below_one("lion", "beta2", options.beta2);
    require_not_negative("lion", "weight_decay", options.weight_decay);
    return options;
}

}  // namespace

template <class T>
Lion<T>::Lion(const ParameterList<T>& parameters, LionOptions options)
    : Optimizer<T>("lion", parameters, 1, options.learning_rate), options_(checked(options)) {
    this->name_options(
        {{"beta1", options.beta1}, {"beta2", options.beta2}, {"weight_decay", options.weight_decay}});
}

template <class T>
void Lion<T>::step(const Gradients<T>& gradients) {
    const T rate = static_cast<T>(this->learning_rate());
    const T beta1 = static_cast<T>(options_.beta1);
    const T beta2 = static_cast<T>(options_.beta2);
    const T rest1 = static_cast<T>(1 - options_.beta1);
    const T rest2 = static_cast<T>(1 - options_.beta2);
    const T decay = static_cast<T>(options_.weight_decay);

    this->update(gradients, [=](Slot<T>& slot, const Tensor<T>& gradient) {
        fused_update<1>(slot, gradient, [=](const auto& in, auto& out) {
            const auto [value, mean, g] = in;
            const auto c = beta1 * mean + rest1 * g;
            const auto sign = where(c > 0, 1, where(c < 0, -1, c));
            out[0] = value - rate * (sign + decay * value);
            out[1] = beta2 * mean + rest2 * g;
        });
    });
}

template class Lion<float>;
template class Lion<double>;

}  // namespace tapeloop::optim
