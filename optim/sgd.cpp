#include <optim/fused_update.hpp>
#include <optim/sgd.hpp>

#include <limits>
#include <stdexcept>

namespace tapeloop::optim {
namespace {

constexpr double largest = std::numeric_limits<double>::max();

SgdOptions checked(const SgdOptions& options) {
    require_option("sgd", "learning_rate", options.learning_rate, 0, largest);
    require_option("sgd", "momentum", options.momentum, 0, 1);
    require_option("sgd", "weight_decay", options.weight_decay, 0, largest);
    if (options.nesterov && options.momentum == 0)
        throw std::invalid_argument("sgd: nesterov is on and momentum is 0; it needs a momentum above 0");
    return options;
}

template <class T>
void plain_update(const SgdOptions& options, Parameter<T>& parameter, const Tensor<T>& gradient) {
    const T rate = static_cast<T>(options.learning_rate);
    const T decay = static_cast<T>(options.weight_decay);
    T* p = parameter.update().data();
    fused_update<T, 2, 1>(parameter.shape(), {p, gradient.data()}, {p}, [=](const auto& in, auto& out) {
        const auto [value, g] = in;
        out[0] = value - rate * (g + decay * value);
    });
}

template <class T>
void momentum_update(const SgdOptions& options, Parameter<T>& parameter, const Tensor<T>& gradient,
                     Tensor<T>& velocity) {
    const T rate = static_cast<T>(options.learning_rate);
    const T decay = static_cast<T>(options.weight_decay);
    const T momentum = static_cast<T>(options.momentum);
    const T ahead = options.nesterov ? momentum : T(1);  // the new v's part of the way that is taken
    const T at_once = options.nesterov ? T(1) : T(0);    // the gradient's own part of it
    T* p = parameter.update().data();
    T* v = velocity.data();
    fused_update<T, 3, 2>(parameter.shape(), {p, v, gradient.data()}, {p, v}, [=](const auto& in, auto& out) {
        const auto [value, before, plain_g] = in;
        const auto g = plain_g + decay * value;
        out[1] = momentum * before + g;
        out[0] = value - rate * (at_once * g + ahead * out[1]);
    });
}

}  // namespace

template <class T>
Sgd<T>::Sgd(const ParameterList<T>& parameters, SgdOptions options)
    : options_(checked(options)), slots_(parameters, options.momentum == 0 ? 0 : 1) {}

template <class T>
void Sgd<T>::step(const Gradients<T>& gradients) {
    slots_.update("sgd", gradients, [this](Slot<T>& slot, const Tensor<T>& gradient) {
        if (slot.running.empty())
            plain_update(options_, *slot.parameter, gradient);
        else
            momentum_update(options_, *slot.parameter, gradient, slot.running[0]);
    });
}

template <class T>
void Sgd<T>::set_learning_rate(double rate) {
    require_option("sgd", "learning_rate", rate, 0, largest);
    options_.learning_rate = rate;
}

template class Sgd<float>;
template class Sgd<double>;

}  // namespace tapeloop::optim
