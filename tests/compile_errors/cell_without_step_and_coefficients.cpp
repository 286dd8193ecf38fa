// says: a cell needs `auto step(const Var<T>& input, const State& state) const`
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>

using namespace tapeloop;

struct Incomplete {
    Var<float> initial_state(std::size_t batch) const { return input(nn::zeros<float>({batch, 2})); }
    Var<float> output(const Var<float>&, const Var<float>& h) const { return h; }
};

void f() {
    Tape<float> tape;
    nn::unroll(Incomplete(), input(nn::zeros<float>({3, 1, 2})));
}
