// says: the output of a cell with coefficients must be
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>

using namespace tapeloop;

struct OfTheStateAlone {
    Var<float> initial_state(std::size_t batch) const { return input(nn::zeros<float>({batch, 2})); }
    std::pair<Var<float>, Var<float>> coefficients(const Var<float>& x) const { return {x, x}; }
    Var<float> output(const Var<float>& h) const { return h; }
};

void f() {
    Tape<float> tape;
    nn::unroll(OfTheStateAlone(), input(nn::zeros<float>({3, 1, 2})));
}
