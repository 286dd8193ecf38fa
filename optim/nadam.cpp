#include <optim/fused_update.hpp>
#include <optim/nadam.hpp>
#include <optim/require.hpp>

#include <cmath>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

NAdamOptions checked(const NAdamOptions& options) {
    require_below_one("nadam", "beta1", options.beta1);
    require_below_one("nadam", "beta2", options.beta2);
    require_not_negative("nadam", "epsilon", options.epsilon);
    require_not_negative("nadam", "weight_decay", options.weight_decay);
    require_not_negative("nadam", "momentum_decay", options.momentum_decay);
    return options;
}

}  // namespace

template <class T>
NAdam<T>::NAdam(const ParameterList<T>& parameters, NAdamOptions options)
    : Optimizer<T>("nadam", parameters, 2, options.learning_rate), options_(checked(options)) {
    this->name_options({{"beta1", options.beta1},
                        {"beta2", options.beta2},
                        {"epsilon", options.epsilon},
                        {"weight_decay", options.weight_decay},
                        {"momentum_decay", options.momentum_decay}});
    this->refuse_overflow_of({.decay = static_cast<T>(options.weight_decay)});
}

template <class T>
double NAdam<T>::momentum(std::uint64_t n) const {
    return options_.beta1 * (1 - std::pow(0.96, options_.momentum_decay * static_cast<double>(n)) / 2);
}

template <class T>
double NAdam<T>::momentum_product(std::uint64_t n) {
    if (n < counted_) {  // an earlier state was restored
        product_ = 1;
        counted_ = 0;
    }
    // What is below the rounding of 1 - product needs no loop to be told from 0, and a state may say any n.
    while (counted_ < n && product_ > 1e-30) product_ *= momentum(++counted_);
    counted_ = n;
    return product_;
}

template <class T>
void NAdam<T>::step(const Gradients<T>& gradients) {
    const std::uint64_t n = this->steps() + 1;
    const double rate = this->learning_rate();
    const double product = momentum_product(n);
    const double next = momentum(n + 1);
    const T of_mean = static_cast<T>(rate * next / (1 - product * next));
    const T of_gradient = static_cast<T>(rate * (1 - momentum(n)) / (1 - product));
    const T correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, static_cast<double>(n))));
    const T beta1 = static_cast<T>(options_.beta1);
    const T beta2 = static_cast<T>(options_.beta2);
    const T rest1 = static_cast<T>(1 - options_.beta1);
    const T rest2 = static_cast<T>(1 - options_.beta2);
    const T epsilon = static_cast<T>(options_.epsilon);
    const T decay = static_cast<T>(options_.weight_decay);

    this->update(gradients, [=](Slot<T>& slot, const Tensor<T>& gradient) {
        fused_update<2>(slot, gradient, [=](const auto& in, auto& out) {
            const auto [value, mean, square, plain_g] = in;
            const auto g = plain_g + decay * value;
            out[1] = beta1 * mean + rest1 * g;
            out[2] = beta2 * square + rest2 * (g * g);
            const auto way = of_mean * out[1] + of_gradient * g;
            out[0] = value - quotient_or_zero(way, sqrt(out[2]) * correction + epsilon);
        });
    });
}

template class NAdam<float>;
template class NAdam<double>;

}  // namespace tapeloop::optim
