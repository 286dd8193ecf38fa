#include <optim/fused_update.hpp>
#include <optim/require.hpp>
#include <optim/rmsprop.hpp>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

RmsPropOptions checked(const RmsPropOptions& options) {
    require_below_one("rmsprop", "alpha", options.alpha);
    require_not_negative("rmsprop", "epsilon", options.epsilon);
    require_not_negative("rmsprop", "weight_decay", options.weight_decay);
    require_option("rmsprop", "momentum", options.momentum, 0, 1);
    return options;
}

std::size_t running_count(const RmsPropOptions& options) {
    return 1U + (options.centered ? 1U : 0U) + (options.momentum != 0 ? 1U : 0U);
}

template <class T>
struct RmsPropStep {
    T alpha;
    T rest;
    T epsilon;
    T decay;
    T momentum;
    T rate;

    template <bool with_mean, bool with_momentum>
    void apply(Slot<T>& slot, const Tensor<T>& gradient) const {
        constexpr std::size_t running = 1 + with_mean + with_momentum;
        fused_update<running>(slot, gradient, [s = *this](const auto& in, auto& out) {
            const auto g = in[running + 1] + s.decay * in[0];
            out[1] = s.alpha * in[1] + s.rest * (g * g);
            auto square = out[1];
            if constexpr (with_mean) {
                out[2] = s.alpha * in[2] + s.rest * g;
                square = square - out[2] * out[2];
                square = where(square < 0, 0, square);
            }
            auto way = quotient_or_zero(g, sqrt(square) + s.epsilon);
            if constexpr (with_momentum) {
                way = s.momentum * in[running] + way;
                out[running] = way;
            }
            out[0] = in[0] - s.rate * way;
        });
    }
};

}  // namespace

template <class T>
RmsProp<T>::RmsProp(const ParameterList<T>& parameters, RmsPropOptions options)
    : Optimizer<T>("rmsprop", parameters, running_count(options), options.learning_rate),
      options_(checked(options)) {
    this->name_options({{"alpha", options.alpha},
                        {"epsilon", options.epsilon},
                        {"weight_decay", options.weight_decay},
                        {"momentum", options.momentum},
                        {"centered", options.centered ? 1.0 : 0.0}});
    this->refuse_overflow_of({.decay = static_cast<T>(options.weight_decay)});
}

template <class T>
void RmsProp<T>::step(const Gradients<T>& gradients) {
    const RmsPropStep<T> s{.alpha = static_cast<T>(options_.alpha),
                           .rest = static_cast<T>(1 - options_.alpha),
                           .epsilon = static_cast<T>(options_.epsilon),
                           .decay = static_cast<T>(options_.weight_decay),
                           .momentum = static_cast<T>(options_.momentum),
                           .rate = static_cast<T>(this->learning_rate())};
    const bool momentum = options_.momentum != 0;
    this->update(gradients, [&](Slot<T>& slot, const Tensor<T>& gradient) {
        if (options_.centered)
            momentum ? s.template apply<true, true>(slot, gradient)
                     : s.template apply<true, false>(slot, gradient);
        else
            momentum ? s.template apply<false, true>(slot, gradient)
                     : s.template apply<false, false>(slot, gradient);
    });
}

template class RmsProp<float>;
template class RmsProp<double>;

}  // namespace tapeloop::optim
