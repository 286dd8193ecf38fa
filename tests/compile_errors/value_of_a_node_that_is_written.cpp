// says: assignment of read-only location | read-only variable is not assignable
#include <autograd/autograd.hpp>

using namespace tapeloop;

void f(const Var<double>& y) { *y.array().data() = 100; }
