// says: map: an argument must be a Var, a Parameter, gates<n>(...), a Tensor, an xtensor expression or a
// number
#include <autograd/autograd.hpp>

using namespace tapeloop;

Var<float> f(const Var<float>& x) {
    auto [y, z] = map([](auto a, auto b) { return std::tuple{a * b, a}; }, x, std::string("a"));
    return y + z;
}
