// A model leaves for where others run it: library cells as ONNX' own operators, a cell of your own as a Scan.
#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/files/onnx/onnx.hpp>
#include <nn/nn.hpp>

#include <filesystem>

using namespace tapeloop;

struct MinimalGatedCell {
    Parameter<float> U, W, b;

    explicit MinimalGatedCell(nn::Generator& g)
        : U("U", nn::xavier_uniform<float>({8, 16}, g)),
          W("W", nn::xavier_uniform<float>({8, 16}, g)),
          b("b", nn::zeros<float>({16})) {}
    Var<float> initial_state(std::size_t batch) const { return input(nn::zeros<float>({batch, 8})); }
    Var<float> project(const Var<float>& x) const { return matmul(x, U) + b; }
    auto step(const Var<float>& u, const Var<float>& h) const {
        const Var<float> next = map(
            [](auto from_input, auto from_state, auto before) {
                auto [f_u, n_u] = from_input;
                auto [f_w, n_w] = from_state;
                auto f = sigmoid(f_u + f_w);
                return f * before + (1 - f) * tanh(n_u + n_w);
            },
            gates<2>(u), gates<2>(matmul(h, W)), h);
        return std::pair{next, next};
    }
    ParameterList<float> parameters() { return parameter_list(U, W, b); }
};

int main() {
    nn::Generator generator(1);
    nn::Embedding<float> embedding(5, 8, generator);
    nn::Stack<float> stack(nn::LstmCell<float>(8, 8, generator), MinimalGatedCell(generator),
                           nn::Linear<float>(8, 5, generator));
    const std::filesystem::path file = std::filesystem::temp_directory_path() / "tapeloop_08.onnx";

    nn::OnnxModel<float> onnx({.batch_first = true});
    onnx.add(embedding);
    onnx.add(stack);
    onnx.add([](const Var<float>& x) { return softmax(x); });
    onnx.save(file);
    fmt::print("{} bytes\n", std::filesystem::file_size(file));

    const Tape<float> tape;
    const Indices tokens{3, 1, 4, 1};  // one row of four
    const Tensor<float> outputs =
        softmax(nn::unroll(stack, embedding(tokens.reshaped({4, 1}))).outputs).value();
    fmt::print("of the last token: {:.5f}\n", fmt::join(outputs.end() - 5, outputs.end(), " "));

    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    try {
        nn::OnnxModel<float> other({.input = {8}});
        other.add([&](const Var<float>& x) { return cube(x); });
    } catch (const std::invalid_argument& error) {
        fmt::print("{}\n", error.what());
    }
    std::filesystem::remove(file);
    return 0;
}
