// says: a Var, or an element inside map, is neither true nor false
#include <autograd/autograd.hpp>

using namespace tapeloop;

double f(const Var<double>& loss) {
    if (loss < 1.0) return 0;
    return 1;
}
