// says: beside a Var stands a number, a Tensor or an xtensor expression of its type
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<double> f(const Var<double>& x, const std::vector<double>& y) { return x < y; }
