// A small net pays for being recorded in every step. A program records it once and runs the recording again.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <chrono>
#include <cmath>
#include <functional>

using namespace tapeloop;

struct Model {
    nn::LstmCell<float> cell;
    nn::Linear<float> head;

    explicit Model(nn::Generator& generator) : cell(1, 16, generator), head(16, 1, generator) {}
    ParameterList<float> parameters() {
        ParameterList<float> list;
        list.add("cell", cell.parameters());
        list.add("head", head.parameters());
        return list;
    }
    Var<float> loss(const Var<float>& x, const Var<float>& next) const {
        return nn::mean_squared_error(head(nn::unroll(cell, x).outputs), next);
    }
};

/// A stretch of a sine curve, [T, 1, 1], that starts at step `first`.
Tensor<float> curve(std::size_t first) {
    Tensor<float> y = xt::zeros<float>({50, 1, 1});
    for (std::size_t t = 0; t < 50; ++t) y(t, 0, 0) = std::sin(0.3F * static_cast<float>(first + t));
    return y;
}

/// Calls `step` for each of so many stretches, and says what a step takes.
float timed(const char* what, const std::function<float(std::size_t)>& step) {
    constexpr std::size_t count = 2000;
    const auto start = std::chrono::steady_clock::now();
    float loss = 0;
    for (std::size_t i = 0; i < count; ++i) loss = step(i);
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    fmt::print("{}: loss {:.6f}, {:.0f} microseconds a step\n", what, loss, time.count() / count);
    return loss;
}

int main() {
    nn::Generator generator(1), same(1);
    Model first(generator), second(same);
    optim::Adam<float> adam(first.parameters(), {.learning_rate = 0.01});
    const float anew = timed("recorded anew", [&](std::size_t i) {
        Tape<float> tape;
        const Var<float> J = first.loss(input(curve(i)), input(curve(i + 1)));
        adam.step(gradient(J, first.parameters()));
        return J.item();
    });

    optim::Adam<float> other_adam(second.parameters(), {.learning_rate = 0.01});
    Tape<float> tape;  // as long as the program
    const Var<float> x = input(curve(0));
    const Var<float> next = input(curve(1));
    const Var<float> J = second.loss(x, next);
    Program<float> program(J, second.parameters());
    const float again = timed("run again    ", [&](std::size_t i) {
        program.set(x, curve(i));
        program.set(next, curve(i + 1));
        program.run();
        other_adam.step(program.gradients());
        return J.item();
    });
    return anew == again ? 0 : 1;  // to the last bit
}
