// says: beside a Var stands a number, a Tensor or an xtensor expression of its type
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<float> f(const Var<float>& x, const Tensor<double>& y) { return x * y; }
