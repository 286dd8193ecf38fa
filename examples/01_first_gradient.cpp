// A gradient in ten lines: how J = mean(tanh(x W + b)²) changes with W, b and x.
#include <fmt/format.h>
#include <autograd/autograd.hpp>

#include <xtensor/xio.hpp>

#include <iostream>

using namespace tapeloop;

int main() {
    Parameter<double> W("W", {{0.5, -1.0}, {2.0, 0.3}, {-0.7, 0.1}});
    Parameter<double> b("b", {0.1, -0.2});

    const Tape<double> tape;  // from here on, operations are recorded
    const Var<double> x = input(Tensor<double>{{1.0, 2.0, 3.0}, {0.5, -1.0, 0.0}});
    const Var<double> y = tanh(matmul(x, W) + b);
    const Var<double> J = mean(square(y));

    // Any parameter and any value on the way can be asked for. The results are plain tensors.
    const Gradients<double> g = gradient(J, {W, b, x, y});
    fmt::print("J = {:.6f}\n", J.item());
    std::cout << "dJ/dW =\n" << g[W] << "\ndJ/db = " << g[b] << "\ndJ/dx =\n" << g[x] << "\n";

    // gradient_graph records the sweep itself, so that its results can be differentiated again.
    const Var<double> dx = gradient_graph(J, {x})[x];
    std::cout << "d|dJ/dx|²/db = " << gradient(sum(square(dx)), {b})[b] << "\n";
}
