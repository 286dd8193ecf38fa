// says: a Var, or an element inside map, is neither true nor false
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<double> f(const Var<double>& x) {
    return map([](auto a) { return a ? a : -a; }, x);
}
