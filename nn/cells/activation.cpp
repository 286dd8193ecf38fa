#include <autograd/ops/elementwise.hpp>
#include <nn/cells/activation.hpp>

#include <stdexcept>

namespace tapeloop::nn {
namespace {

template <class T>
Var<T> apply_activation(Activation activation, const Operand<T>& x) {
    switch (activation) {
        case Activation::tanh:
            return tanh(x);
        case Activation::relu:
            return relu(x);
        case Activation::sigmoid:
            return sigmoid(x);
    }
    throw std::invalid_argument("activate: not one of the values of Activation");
}

}  // namespace

Var<float> activate(Activation activation, const Operand<float>& x) {
    return apply_activation(activation, x);
}
Var<double> activate(Activation activation, const Operand<double>& x) {
    return apply_activation(activation, x);
}

}  // namespace tapeloop::nn
