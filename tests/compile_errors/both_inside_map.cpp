// says: a Var, or an element inside map, is neither true nor false
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<double> f(const Var<double>& x) {
    return map(
        [](auto a) {
            if (a > 0 && a < 1) return a;
            return 2 * a;
        },
        x);
}
