// A recurrent cell of your own, trained to remember a bit: the first input of a sequence is 0 or 1, twenty
// steps of noise follow, and at the end the cell has to say which it was.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

using namespace tapeloop;

/// The minimal gated unit (Zhou et al. 2016, arXiv:1603.09420) without its inner gate:
/// f = s(x U_f + h W_f + b_f), n = tanh(x U_n + h W_n + b_n), h' = f h + (1 - f) n.
struct MinimalGatedCell {
    Parameter<float> U, W, b;  // [I, 2H], [H, 2H], [2H]

    MinimalGatedCell(std::size_t inputs, std::size_t hidden, nn::Generator& generator)
        : U("U", nn::packed_xavier<float>(inputs, hidden, 2, generator)),
          W("W", nn::packed_orthogonal<float>(hidden, 2, generator)),
          b("b", nn::zeros<float>({2 * hidden})) {}

    Var<float> initial_state(std::size_t batch) const {
        return input(nn::zeros<float>({batch, W.shape()[0]}));
    }
    Var<float> project(const Var<float>& x) const { return affine(x, U, b); }
    auto step(const Var<float>& u, const Var<float>& h) const {
        const Var<float> next = map(
            [](auto gates, auto state) {
                auto [forget, candidate] = gates;
                auto f = sigmoid(forget);
                return f * state + (1 - f) * tanh(candidate);
            },
            gates<2>(affine(h, W, u)), h);
        return std::pair{next, next};
    }
    ParameterList<float> parameters() { return parameter_list(U, W, b); }
};
static_assert(nn::Cell<MinimalGatedCell>);

/// Sequences [T, B, 1] and the bit that each begins with.
struct Batch {
    Tensor<float> x;
    nn::Targets bits;
};

Batch draw_batch(std::size_t steps, std::size_t batch, nn::Generator& generator) {
    Batch drawn{nn::normal<float>({steps, batch, 1}, 0, 0.3, generator), nn::Targets::from_shape({batch})};
    for (std::size_t i = 0; i < batch; ++i) {
        drawn.bits[i] = static_cast<std::ptrdiff_t>(generator.below(2));
        drawn.x(0, i, 0) = drawn.bits[i] == 1 ? 1.0F : -1.0F;
    }
    return drawn;
}

double accuracy(const Var<float>& logits, const nn::Targets& bits) {
    const Tensor<float> values = logits.value();
    double right = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) right += (values(i, 1) > values(i, 0)) == (bits[i] == 1);
    return right / static_cast<double>(bits.size());
}

int main() {
    nn::Generator generator(1);
    MinimalGatedCell cell(1, 16, generator);
    nn::Linear<float> output(16, 2, generator);
    ParameterList<float> parameters;
    parameters.add("cell", cell.parameters());
    parameters.add("output", output.parameters());
    optim::Adam<float> adam(parameters, {.learning_rate = 0.01});

    double last = 0;
    for (int step = 1; step <= 100; ++step) {
        const Batch batch = draw_batch(21, 32, generator);
        const Tape<float> tape;
        const Var<float> logits = output(nn::unroll(cell, batch.x).state);
        const Var<float> J = nn::softmax_cross_entropy(logits, batch.bits);
        Gradients<float> gradients = gradient(J, parameters);
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        last = accuracy(logits, batch.bits);
        if (step % 10 == 0)
            fmt::print("step {:3}: loss {:.4f}, {:.0f} % right\n", step, J.item(), 100 * last);
    }
    return last == 1 ? 0 : 1;
}
