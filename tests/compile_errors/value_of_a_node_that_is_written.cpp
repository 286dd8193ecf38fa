// says: assignment of read-only location
#include <autograd/autograd.hpp>

using namespace tapeloop;

void f(const Var<double>& y) { *y.array().data() = 100; }
