#include <optim/fused_update.hpp>
#include <optim/require.hpp>
#include <optim/sgd.hpp>

#include <stdexcept>

namespace tapeloop::optim {

using namespace tapeloop::detail;
using namespace detail;

namespace {

SgdOptions checked(const SgdOptions& options) {
    require_option("sgd", "momentum", options.momentum, 0, 1);
    require_option("sgd", "dampening", options.dampening, 0, 1);
    require_not_negative("sgd", "weight_decay", options.weight_decay);
    if (options.nesterov && options.momentum == 0)
        throw std::invalid_argument("sgd: nesterov is on and momentum is 0; it needs a momentum above 0");
    if (options.nesterov && options.dampening != 0)
        throw std::invalid_argument("sgd: nesterov is on and dampening is not 0; it goes without dampening");
    return options;
}

template <class T>
struct SgdStep {
    T rate;
    T decay;
    T momentum;
    T fresh;    // the gradient's part of the new v
    T ahead;    // the new v's part of the way that is taken
    T at_once;  // the gradient's own part of it

    void plain(Slot<T>& slot, const Tensor<T>& gradient) const {
        fused_update<0>(slot, gradient, [s = *this](const auto& in, auto& out) {
            const auto [value, g] = in;
            out[0] = value - s.rate * (g + s.decay * value);
        });
    }
    void with_momentum(Slot<T>& slot, const Tensor<T>& gradient) const {
        fused_update<1>(slot, gradient, [s = *this](const auto& in, auto& out) {
            const auto [value, velocity, plain_g] = in;
            const auto g = plain_g + s.decay * value;
            out[1] = s.momentum * velocity + s.fresh * g;
            out[0] = value - s.rate * (s.at_once * g + s.ahead * out[1]);
        });
    }
};

}  // namespace

template <class T>
Sgd<T>::Sgd(const ParameterList<T>& parameters, SgdOptions options)
    : Optimizer<T>("sgd", parameters, options.momentum == 0 ? 0 : 1, options.learning_rate),
      options_(checked(options)) {
    this->name_options({{"momentum", options.momentum},
                        {"dampening", options.dampening},
                        {"nesterov", options.nesterov ? 1.0 : 0.0},
                        {"weight_decay", options.weight_decay}});
}

template <class T>
void Sgd<T>::step(const Gradients<T>& gradients) {
    const bool first = this->steps() == 0;
    const SgdStep<T> s{.rate = static_cast<T>(this->learning_rate()),
                       .decay = static_cast<T>(options_.weight_decay),
                       .momentum = static_cast<T>(options_.momentum),
                       .fresh = first ? T(1) : static_cast<T>(1 - options_.dampening),
                       .ahead = options_.nesterov ? static_cast<T>(options_.momentum) : T(1),
                       .at_once = options_.nesterov ? T(1) : T(0)};
    this->update(gradients, [&s](Slot<T>& slot, const Tensor<T>& gradient) {
        if (slot.running.empty())
            s.plain(slot, gradient);
        else
            s.with_momentum(slot, gradient);
    });
}

template class Sgd<float>;
template class Sgd<double>;

}  // namespace tapeloop::optim
