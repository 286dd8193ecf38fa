#include <optim/adam.hpp>
#include <optim/fused_update.hpp>

#include <cmath>
#include <limits>

namespace tapeloop::optim {
namespace {

constexpr double largest = std::numeric_limits<double>::max();

AdamOptions checked(const AdamOptions& options) {
    const double below_one = std::nextafter(1.0, 0.0);
    require_option("adam", "learning_rate", options.learning_rate, 0, largest);
    require_option("adam", "beta1", options.beta1, 0, below_one);
    require_option("adam", "beta2", options.beta2, 0, below_one);
    require_option("adam", "epsilon", options.epsilon, 0, largest);
    require_option("adam", "weight_decay", options.weight_decay, 0, largest);
    return options;
}

}  // namespace

template <class T>
Adam<T>::Adam(const ParameterList<T>& parameters, AdamOptions options)
    : options_(checked(options)), slots_(parameters, 2) {}

template <class T>
void Adam<T>::step(const Gradients<T>& gradients) {
    const double power1 = beta1_power_ * options_.beta1;
    const double power2 = beta2_power_ * options_.beta2;
    const T beta1 = static_cast<T>(options_.beta1);
    const T beta2 = static_cast<T>(options_.beta2);
    const T rest1 = static_cast<T>(1 - options_.beta1);
    const T rest2 = static_cast<T>(1 - options_.beta2);
    const T epsilon = static_cast<T>(options_.epsilon);
    const T decay = static_cast<T>(options_.weight_decay);
    const T rate = static_cast<T>(options_.learning_rate / (1 - power1));
    const T correction = static_cast<T>(1 / std::sqrt(1 - power2));

    slots_.update("adam", gradients, [&](Slot<T>& slot, const Tensor<T>& gradient) {
        T* p = slot.parameter->update().data();
        T* m = slot.running[0].data();
        T* v = slot.running[1].data();
        const auto update = [=](const auto& in, auto& out) {
            const auto [value, mean, square, plain_g] = in;
            const auto g = plain_g + decay * value;
            out[1] = beta1 * mean + rest1 * g;
            out[2] = beta2 * square + rest2 * (g * g);
            out[0] = value - rate * out[1] / (sqrt(out[2]) * correction + epsilon);
        };
        fused_update<T, 4, 3>(slot.parameter->shape(), {p, m, v, gradient.data()}, {p, m, v}, update);
    });
    beta1_power_ = power1;
    beta2_power_ = power2;
}

template <class T>
void Adam<T>::set_learning_rate(double rate) {
    require_option("adam", "learning_rate", rate, 0, largest);
    options_.learning_rate = rate;
}

template class Adam<float>;
template class Adam<double>;

}  // namespace tapeloop::optim
