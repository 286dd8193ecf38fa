// says: map: it takes sixteen arguments
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<float> f(const Var<float>& x) {
    return map([](auto... a) { return (a + ...); }, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x);
}
