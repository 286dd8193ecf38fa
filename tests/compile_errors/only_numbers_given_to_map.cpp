// says: map: one argument at least must be a Var, a Parameter or a tensor
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<double> f() {
    return map([](auto a) { return 2 * a; }, 1.0);
}
