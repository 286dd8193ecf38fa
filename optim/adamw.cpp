#include <optim/adamw.hpp>

namespace tapeloop::optim {
namespace {

AdamOptions as_adam(const AdamWOptions& options) {
    return {.learning_rate = options.learning_rate,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .weight_decay = options.weight_decay,
            .amsgrad = options.amsgrad};
}

}  // namespace

template <class T>
AdamW<T>::AdamW(const ParameterList<T>& parameters, AdamWOptions options)
    : Adam<T>("adamw", parameters, as_adam(options), Adam<T>::Decay::decoupled) {}

template class AdamW<float>;
template class AdamW<double>;

}  // namespace tapeloop::optim
