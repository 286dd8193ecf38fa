#include <optim/adagrad.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

AdagradOptions checked(const AdagradOptions& options) {
    require_not_negative("adagrad", "learning_rate_decay", options.learning_rate_decay);
    require_not_negative("adagrad", "weight_decay", options.weight_decay);
    require_not_negative("adagrad", "initial_accumulator", options.initial_accumulator);
    require_not_negative("adagrad", "epsilon", options.epsilon);
    return options;
}

}  // namespace

template <class T>
Adagrad<T>::Adagrad(const ParameterList<T>& parameters, AdagradOptions options)
    : Optimizer<T>("adagrad", parameters, 1, options.learning_rate), options_(checked(options)) {
    this->name_options({{"learning_rate_decay", options.learning_rate_decay},
                        {"weight_decay", options.weight_decay},
                        {"epsilon", options.epsilon}});
    this->refuse_overflow_of({.decay = static_cast<T>(options.weight_decay), .summed = true});
    for (Slot<T>& slot : this->slots()) slot.running[0].fill(static_cast<T>(options_.initial_accumulator));
}

template <class T>
void Adagrad<T>::step(const Gradients<T>& gradients) {
    const auto before = static_cast<double>(this->steps());
    const T rate = static_cast<T>(this->learning_rate() / (1 + before * options_.learning_rate_decay));
    const T decay = static_cast<T>(options_.weight_decay);
    const T epsilon = static_cast<T>(options_.epsilon);

    this->update(gradients, [=](Slot<T>& slot, const Tensor<T>& gradient) {
        fused_update<1>(slot, gradient, [=](const auto& in, auto& out) {
            const auto [value, sum, plain_g] = in;
            const auto g = plain_g + decay * value;
            out[1] = sum + g * g;
            out[0] = value - quotient_or_zero(rate * g, sqrt(out[1]) + epsilon);
        });
    });
}

template class Adagrad<float>;
template class Adagrad<double>;

}  // namespace tapeloop::optim
