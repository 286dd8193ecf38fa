// says: map: an argument must be a Var, a Parameter, gates<n>(...), a Tensor, an xtensor expression or a
// number
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<float> f(const Var<float>& x, const Tensor<double>& y) {
    return map([](auto a, auto b) { return a * b; }, x, y);
}
