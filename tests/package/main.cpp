#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <optim/optim.hpp>

#include <cstdlib>
#include <iostream>

// An outside project with a cell of its own, which takes one training step.
namespace tl = tapeloop;

template <class T>
struct MinimalGatedCell {
    tl::Parameter<T> U, W, b;  // [I, 2H], [H, 2H], [2H]

    tl::Var<T> initial_state(std::size_t batch) const {
        return tl::input(tl::nn::zeros<T>({batch, W.shape()[0]}));
    }
    tl::Var<T> project(const tl::Var<T>& x) const { return tl::affine(x, U, b); }
    auto step(const tl::Var<T>& u, const tl::Var<T>& h) const {
        const auto next = tl::map(
            [](auto a, auto old) {
                auto [forget, candidate] = a;
                const auto f = sigmoid(forget);
                return f * old + (1 - f) * tanh(candidate);
            },
            tl::gates<2>(tl::affine(h, W, u)), h);
        return std::pair{next, next};
    }
    tl::ParameterList<T> parameters() { return tl::parameter_list(U, W, b); }
};
static_assert(tl::nn::TrainableCell<MinimalGatedCell<float>>);

template <class T>
MinimalGatedCell<T> make_cell(std::size_t input_size, std::size_t hidden_size, tl::nn::Generator& generator) {
    return {tl::Parameter<T>("U", tl::nn::packed_xavier<T>(input_size, hidden_size, 2, generator)),
            tl::Parameter<T>("W", tl::nn::packed_orthogonal<T>(hidden_size, 2, generator)),
            tl::Parameter<T>("b", tl::nn::zeros<T>({2 * hidden_size}))};
}

int main() {
    tl::nn::Generator generator(1);
    auto cell = make_cell<float>(3, 4, generator);
    tl::optim::Sgd<float> optimizer(cell.parameters(), {.learning_rate = 0.1});
    const auto x = tl::nn::normal<float>({5, 2, 3}, 0, 1, generator);
    const auto target = tl::nn::uniform<float>({5, 2, 4}, -0.5, 0.5, generator);

    const auto loss = [&](bool learn) {
        tl::Tape<float> tape;
        const auto J = tl::nn::mean_squared_error(tl::nn::unroll(cell, x).outputs, target);
        if (learn) optimizer.step(tl::gradient(J, cell.parameters()));
        return J.item();
    };
    const float before = loss(true);
    const float after = loss(false);
    std::cout << "loss " << before << " before the step, " << after << " after it\n";
    return after < before ? EXIT_SUCCESS : EXIT_FAILURE;
}
