#include <autograd/map/elementary.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/record/definition.hpp>

namespace tapeloop {

Var<float> add(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Add{}, a, b);
}
Var<double> add(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Add{}, a, b);
}
Var<float> subtract(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Subtract{}, a, b);
}
Var<double> subtract(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Subtract{}, a, b);
}
Var<float> multiply(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Multiply{}, a, b);
}
Var<double> multiply(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Multiply{}, a, b);
}
Var<float> divide(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Divide{}, a, b);
}
Var<double> divide(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Divide{}, a, b);
}
Var<float> less(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Less{}, a, b);
}
Var<double> less(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Less{}, a, b);
}
Var<float> less_equal(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::LessEqual{}, a, b);
}
Var<double> less_equal(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::LessEqual{}, a, b);
}
Var<float> equal(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Equal{}, a, b);
}
Var<double> equal(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Equal{}, a, b);
}
Var<float> maximum(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Maximum{}, a, b);
}
Var<double> maximum(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Maximum{}, a, b);
}
Var<float> minimum(const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Minimum{}, a, b);
}
Var<double> minimum(const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Minimum{}, a, b);
}
Var<float> pow(const Operand<float>& x, const Operand<float>& p) {
    return apply_elementwise(elementary::Power{}, x, p);
}
Var<double> pow(const Operand<double>& x, const Operand<double>& p) {
    return apply_elementwise(elementary::Power{}, x, p);
}
Var<float> scale(const Operand<float>& g, const Operand<float>& slope) {
    return apply_elementwise(elementary::Scale{}, g, slope);
}
Var<double> scale(const Operand<double>& g, const Operand<double>& slope) {
    return apply_elementwise(elementary::Scale{}, g, slope);
}
Var<float> where(const Operand<float>& condition, const Operand<float>& a, const Operand<float>& b) {
    return apply_elementwise(elementary::Where{}, condition, a, b);
}
Var<double> where(const Operand<double>& condition, const Operand<double>& a, const Operand<double>& b) {
    return apply_elementwise(elementary::Where{}, condition, a, b);
}
Var<float> negate(const Operand<float>& x) { return apply_elementwise(elementary::Negate{}, x); }
Var<double> negate(const Operand<double>& x) { return apply_elementwise(elementary::Negate{}, x); }
Var<float> exp(const Operand<float>& x) { return apply_elementwise(elementary::Exp{}, x); }
Var<double> exp(const Operand<double>& x) { return apply_elementwise(elementary::Exp{}, x); }
Var<float> log(const Operand<float>& x) { return apply_elementwise(elementary::Log{}, x); }
Var<double> log(const Operand<double>& x) { return apply_elementwise(elementary::Log{}, x); }
Var<float> expm1(const Operand<float>& x) { return apply_elementwise(elementary::Expm1{}, x); }
Var<double> expm1(const Operand<double>& x) { return apply_elementwise(elementary::Expm1{}, x); }
Var<float> log1p(const Operand<float>& x) { return apply_elementwise(elementary::Log1p{}, x); }
Var<double> log1p(const Operand<double>& x) { return apply_elementwise(elementary::Log1p{}, x); }
Var<float> sqrt(const Operand<float>& x) { return apply_elementwise(elementary::Sqrt{}, x); }
Var<double> sqrt(const Operand<double>& x) { return apply_elementwise(elementary::Sqrt{}, x); }
Var<float> square(const Operand<float>& x) { return apply_elementwise(elementary::Square{}, x); }
Var<double> square(const Operand<double>& x) { return apply_elementwise(elementary::Square{}, x); }
Var<float> abs(const Operand<float>& x) { return apply_elementwise(elementary::Abs{}, x); }
Var<double> abs(const Operand<double>& x) { return apply_elementwise(elementary::Abs{}, x); }
Var<float> sin(const Operand<float>& x) { return apply_elementwise(elementary::Sin{}, x); }
Var<double> sin(const Operand<double>& x) { return apply_elementwise(elementary::Sin{}, x); }
Var<float> cos(const Operand<float>& x) { return apply_elementwise(elementary::Cos{}, x); }
Var<double> cos(const Operand<double>& x) { return apply_elementwise(elementary::Cos{}, x); }
Var<float> tanh(const Operand<float>& x) { return apply_elementwise(elementary::Tanh{}, x); }
Var<double> tanh(const Operand<double>& x) { return apply_elementwise(elementary::Tanh{}, x); }
Var<float> sigmoid(const Operand<float>& x) { return apply_elementwise(elementary::Sigmoid{}, x); }
Var<double> sigmoid(const Operand<double>& x) { return apply_elementwise(elementary::Sigmoid{}, x); }
Var<float> softplus(const Operand<float>& x) { return apply_elementwise(elementary::Softplus{}, x); }
Var<double> softplus(const Operand<double>& x) { return apply_elementwise(elementary::Softplus{}, x); }
Var<float> relu(const Operand<float>& x) { return apply_elementwise(elementary::Relu{}, x); }
Var<double> relu(const Operand<double>& x) { return apply_elementwise(elementary::Relu{}, x); }
Var<float> leaky_relu(const Operand<float>& x, double leak) {
    return apply_elementwise(elementary::LeakyRelu{{}, leak}, x);
}
Var<double> leaky_relu(const Operand<double>& x, double leak) {
    return apply_elementwise(elementary::LeakyRelu{{}, leak}, x);
}
Var<float> elu(const Operand<float>& x, double alpha) {
    return apply_elementwise(elementary::Elu{{}, alpha}, x);
}
Var<double> elu(const Operand<double>& x, double alpha) {
    return apply_elementwise(elementary::Elu{{}, alpha}, x);
}

namespace {

template <class T>
Var<T> clip_between(const Operand<T>& x, double low, double high) {
    checked(tape_of("clip", x), x.site(), [&] {
        if (!(low <= high))
            throw std::invalid_argument(
                fmt::format("clip: low is {} and high is {}; low must not be above high", low, high));
    });
    return apply_elementwise(elementary::Clip{{}, low, high}, x);
}

}  // namespace

Var<float> clip(const Operand<float>& x, double low, double high) { return clip_between(x, low, high); }
Var<double> clip(const Operand<double>& x, double low, double high) { return clip_between(x, low, high); }

}  // namespace tapeloop
