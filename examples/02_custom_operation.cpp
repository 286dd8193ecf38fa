// An operation of your own: its name, its value and one rule per argument, in one call.
#include <fmt/format.h>
#include <autograd/autograd.hpp>

#include <cmath>

using namespace tapeloop;

int main() {
    // softsign(x) = x / (1 + |x|). A rule gets the cotangent g of the result, the result y and the arguments.
    // Written with `const auto&`, it also serves second derivatives.
    const auto softsign = custom(
        "softsign", [](const auto& x) { return x / (1.0 + abs(x)); },
        [](const auto& g, const auto&, const auto& x) { return g / square(1.0 + abs(x)); });

    const Tape<double> tape;
    const Var<double> x = input(Tensor<double>{-2.0, 0.5, 3.0});
    const Var<double> y = softsign(x);
    const Var<double> slope = gradient_graph(sum(y), {x})[x];
    const Tensor<double> curvature = gradient(sum(slope), {x})[x];

    fmt::print("{:>6} {:>10} {:>10} {:>10}\n", "x", "softsign", "slope", "curvature");
    for (std::size_t i = 0; i < 3; ++i)
        fmt::print("{:>6.2f} {:>10.6f} {:>10.6f} {:>10.6f}\n", x.value()[i], y.value()[i], slope.value()[i],
                   curvature[i]);

    // Its derivative is 1 / (1 + |x|)²: 1/9 at -2.
    return std::abs(slope.value()[0] - 1.0 / 9.0) < 1e-12 ? 0 : 1;
}
