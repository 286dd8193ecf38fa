// An answer key: the gradients of a small Elman network, worked out step by step in symbols and numbers.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;

int main() {
    // One unit, one input, three time steps; the loss reads the last state.
    const auto matrix = [](double element) { return Tensor<double>(element * nn::ones<double>({1, 1})); };
    const nn::ElmanCell<double> cell(matrix(0.5), matrix(0.9), Tensor<double>{0.1});
    const nn::Linear<double> output(matrix(1.5), Tensor<double>{-0.2});
    Tensor<double> x{1.0, -0.5, 0.25};
    x.reshape({3, 1, 1});

    const Tape<double> tape;
    const Var<double> h0 = input(matrix(0));
    // `hoist = false`: the projection of the input stands at its time step, as in the textbook.
    const Var<double> h3 = nn::unroll(cell, x, h0, {.hoist = false}).state;
    const Var<double> J = sum(square(output(h3) - matrix(1)));

    const Derivation key = derivation(J, {cell.W, cell.U, cell.b, output.V, output.c});
    fmt::print("{}\nThe last section for a LaTeX document:\n\n{}", key.text(),
               key.latex().substr(key.latex().find("\\paragraph{Gradients}")));
    return key.gradients.size() == 5 && gradient(J, {cell.W})[cell.W](0, 0) == key.gradients[0].value(0, 0)
               ? 0
               : 1;
}
