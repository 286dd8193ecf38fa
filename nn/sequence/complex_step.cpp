#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/sequence/complex_step.hpp>

namespace tapeloop::nn::detail {

namespace {

// In the order in which `complex_recurrence` computes it, so that the bits are the same.
template <class T>
Var<T> next_complex(const std::array<Var<T>, 3>& coefficients, const Var<T>& h) {
    const auto& [a_re, a_im, b] = coefficients;
    const Var<T> re = columns(h, 0, 2);
    const Var<T> im = columns(h, 1, 2);
    return concatenate({a_re * re - a_im * im, a_re * im + a_im * re}, -1) + b;
}

}  // namespace

Var<float> complex_step(const std::array<Var<float>, 3>& coefficients, const Var<float>& h) {
    return next_complex(coefficients, h);
}
Var<double> complex_step(const std::array<Var<double>, 3>& coefficients, const Var<double>& h) {
    return next_complex(coefficients, h);
}

}  // namespace tapeloop::nn::detail
