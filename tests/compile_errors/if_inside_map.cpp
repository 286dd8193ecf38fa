// says: a Var, or an element inside map, is neither true nor false
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<float> f(const Var<float>& x, const Var<float>& y) {
    return map(
        [](auto a, auto b) {
            if (a > 0) return a;
            return a * b;
        },
        x, y);
}
