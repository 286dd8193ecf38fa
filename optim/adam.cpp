#include <optim/adam.hpp>
#include <optim/fused_update.hpp>
#include <optim/require.hpp>

#include <cmath>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

AdamOptions checked(std::string_view name, const AdamOptions& options) {
    require_below_one(name, "beta1", options.beta1);
    require_below_one(name, "beta2", options.beta2);
    require_not_negative(name, "epsilon", options.epsilon);
    require_not_negative(name, "weight_decay", options.weight_decay);
    return options;
}

template <class T>
struct AdamStep {
    T beta1;
    T beta2;
    T rest1;
    T rest2;
    T epsilon;
    T decay;       // of the weights, through the gradient
    T kept;        // what a decoupled decay leaves of the weights
    T rate;        // with the correction of m
    T correction;  // of sqrt(v)

    void plain(Slot<T>& slot, const Tensor<T>& gradient) const {
        fused_update<2>(slot, gradient, [s = *this](const auto& in, auto& out) {
            const auto [value, mean, square, g] = in;
            s.average(value, mean, square, g, out);
            out[0] = s.moved(value, out[1], out[2]);
        });
    }
    void amsgrad(Slot<T>& slot, const Tensor<T>& gradient) const {
        fused_update<3>(slot, gradient, [s = *this](const auto& in, auto& out) {
            const auto [value, mean, square, largest, g] = in;
            s.average(value, mean, square, g, out);
            out[3] = where(largest < out[2], out[2], largest);
            out[0] = s.moved(value, out[1], out[3]);
        });
    }

  private:
    void average(const auto& value, const auto& mean, const auto& square, const auto& plain_g,
                 auto& out) const {
        const auto g = plain_g + decay * value;
        out[1] = beta1 * mean + rest1 * g;
        out[2] = beta2 * square + rest2 * (g * g);
    }
    auto moved(const auto& value, const auto& mean, const auto& square) const {
        return kept * value - quotient_or_zero(rate * mean, sqrt(square) * correction + epsilon);
    }
};

}  // namespace

template <class T>
Adam<T>::Adam(std::string_view name, const ParameterList<T>& parameters, const AdamOptions& options,
              Decay decay)
    : Optimizer<T>(name, parameters, options.amsgrad ? 3 : 2, options.learning_rate),
      options_(checked(name, options)),
      decay_(decay) {
    this->name_options({{"beta1", options.beta1},
                        {"beta2", options.beta2},
                        {"epsilon", options.epsilon},
                        {"weight_decay", options.weight_decay},
                        {"amsgrad", options.amsgrad ? 1.0 : 0.0}});
    this->refuse_overflow_of({.decay = static_cast<T>(decay == Decay::decoupled ? 0 : options.weight_decay)});
}

template <class T>
Adam<T>::Adam(const ParameterList<T>& parameters, AdamOptions options)
    : Adam("adam", parameters, options, Decay::through_gradient) {}

template <class T>
void Adam<T>::step(const Gradients<T>& gradients) {
    const auto n = static_cast<double>(this->steps() + 1);
    const double rate = this->learning_rate();
    const bool decoupled = decay_ == Decay::decoupled;
    const AdamStep<T> s{.beta1 = static_cast<T>(options_.beta1),
                        .beta2 = static_cast<T>(options_.beta2),
                        .rest1 = static_cast<T>(1 - options_.beta1),
                        .rest2 = static_cast<T>(1 - options_.beta2),
                        .epsilon = static_cast<T>(options_.epsilon),
                        .decay = decoupled ? T(0) : static_cast<T>(options_.weight_decay),
                        .kept = decoupled ? static_cast<T>(1 - rate * options_.weight_decay) : T(1),
                        .rate = static_cast<T>(rate / (1 - std::pow(options_.beta1, n))),
                        .correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options_.beta2, n)))};
    this->update(gradients, [&](Slot<T>& slot, const Tensor<T>& gradient) {
        if (options_.amsgrad)
            s.amsgrad(slot, gradient);
        else
            s.plain(slot, gradient);
    });
}

template class Adam<float>;
template class Adam<double>;

}  // namespace tapeloop::optim
