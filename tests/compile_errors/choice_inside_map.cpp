// says: a Var, or an element inside map, is neither true nor false
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<double> f(const Var<double>& x, const Var<double>& y) {
    return map([](auto a, auto b) { return a > b ? a : b; }, x, y);
}
