#include <optim/adadelta.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

AdadeltaOptions checked(const AdadeltaOptions& options) {
    require_option("adadelta", "rho", options.rho, 0, 1);
    require_not_negative("adadelta", "epsilon", options.epsilon);
    require_not_negative("adadelta", "weight_decay", options.weight_decay);
    return options;
}

}  // namespace

template <class T>
Adadelta<T>::Adadelta(const ParameterList<T>& parameters, AdadeltaOptions options)
    : Optimizer<T>("adadelta", parameters, 2, options.learning_rate), options_(checked(options)) {
    this->name_options(
        {{"rho", options.rho}, {"epsilon", options.epsilon}, {"weight_decay", options.weight_decay}});
    this->refuse_overflow_of({.decay = static_cast<T>(options.weight_decay)});
}

template <class T>
void Adadelta<T>::step(const Gradients<T>& gradients) {
    const T rate = static_cast<T>(this->learning_rate());
    const T rho = static_cast<T>(options_.rho);
    const T rest = static_cast<T>(1 - options_.rho);
    const T epsilon = static_cast<T>(options_.epsilon);
    const T decay = static_cast<T>(options_.weight_decay);

    this->update(gradients, [=](Slot<T>& slot, const Tensor<T>& gradient) {
        fused_update<2>(slot, gradient, [=](const auto& in, auto& out) {
            const auto [value, square, squared_way, plain_g] = in;
            const auto g = plain_g + decay * value;
            out[1] = rho * square + rest * (g * g);
            const auto way = g * quotient_or_zero(sqrt(squared_way + epsilon), sqrt(out[1] + epsilon));
            out[2] = rho * squared_way + rest * (way * way);
            out[0] = value - rate * way;
        });
    });
}

template class Adadelta<float>;
template class Adadelta<double>;

}  // namespace tapeloop::optim
