// Sends parameters from here to LibTorch and back through files: with PyTorch's names and layouts both
// compute the same outputs and gradients.
#include "torch_layers.hpp"

#include <tests/numeric.hpp>

#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/files/naming/pytorch.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/weights/transfer.hpp>
#include <nn/files/weights/weights.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

#include <unistd.h>

#include <filesystem>

namespace {

using namespace tapeloop;
using test::Random;
using torch_layers::Kind;

constexpr std::size_t T = 4;
constexpr std::size_t B = 2;
constexpr std::size_t I = 3;
constexpr std::size_t H = 5;
constexpr std::size_t P = 2;

int failures = 0;

/// The file through which everything goes.
const std::filesystem::path& file() {
    static const std::filesystem::path path =
        std::filesystem::temp_directory_path() / fmt::format("libtorch_exchange_{}.safetensors", getpid());
    return path;
}

void check_same(const std::string& what, const Tensor<double>& actual, const Tensor<double>& expected) {
    const std::string problem = test::difference(actual, expected, 1e-11);
    if (problem.empty()) return;
    ++failures;
    fmt::print("{}: {}\n", what, problem);
}

torch_layers::Array array_of(const Tensor<double>& tensor) {
    return {{tensor.shape().begin(), tensor.shape().end()}, {tensor.begin(), tensor.end()}};
}

Tensor<double> tensor_of(const torch_layers::Array& array) {
    Tensor<double> tensor = tapeloop::detail::uninitialised<double>(Shape::of(array.shape));
    std::copy(array.values.begin(), array.values.end(), tensor.begin());
    return tensor;
}

/// The arrays of the file.
torch_layers::Arrays read_file() {
    torch_layers::Arrays arrays;
    for (const auto& [name, array] : nn::read_safetensors(file()).arrays)
        arrays[name] = array_of(std::get<Tensor<double>>(array));
    return arrays;
}

void write_file(const torch_layers::Arrays& given) {
    nn::NamedArrays arrays;
    for (const auto& [name, array] : given) arrays.arrays[name] = tensor_of(array);
    nn::write_safetensors(file(), arrays);
}

/// Our side of it: outputs, and gradients as LibTorch would have them.
template <class L>
struct Ours {
    L& layer;
    nn::Naming<double> naming;
    ParameterList<double> parameters;

    template <class Forward>
    void check(const std::string& name, const Tensor<double>& x, const Tensor<double>& weights,
               const torch_layers::Outcome& theirs, const Forward& forward) const {
        const Tape<double> tape;
        const Var<double> read = input(x);
        const Var<double> outputs = forward(layer, read);
        WrtList<double> wrt(parameters);
        wrt.add(read);
        const Gradients<double> all = gradient(sum(outputs * input(weights)), wrt);
        check_same(name + ", outputs", outputs.value(), tensor_of(theirs.outputs));
        check_same(name + ", gradient of x", all[read], tensor_of(theirs.x_gradient));
        const auto of = [&](const Parameter<double>& p) -> const Tensor<double>& { return all[p]; };
        const auto gradients =
            nn::detail::copied(nn::detail::outgoing<double>(naming, of, nn::detail::Second::same)).arrays;
        if (gradients.size() != theirs.gradients.size()) ++failures;
        for (const auto& [array, value] : theirs.gradients)
            check_same(fmt::format("{}, gradient of {}", name, array),
                       std::get<Tensor<double>>(gradients.at(array)), tensor_of(value));
    }
};

nn::AnyLayer<double> layer_of(const torch_layers::Module& module, std::size_t inputs,
                              nn::Generator& generator) {
    const auto one_or_both = [&](const auto& make) -> nn::AnyLayer<double> {
        if (!module.both_directions) return make();
        return nn::Bidirectional{make(), make()};
    };
    const auto activation = module.kind == Kind::rnn_relu ? nn::Activation::relu : nn::Activation::tanh;
    switch (module.kind) {
        case Kind::rnn_tanh:
        case Kind::rnn_relu:
            return one_or_both([&] { return nn::ElmanCell<double>(inputs, H, generator, {activation}); });
        case Kind::lstm:
            return one_or_both([&] { return nn::LstmCell<double>(inputs, H, generator); });
        case Kind::lstm_projected:
            return one_or_both(
                [&] { return nn::LstmVariantCell<double>(inputs, H, generator, {.projection = P}); });
        case Kind::gru:
            return one_or_both([&] { return nn::GruCell<double>(inputs, H, generator); });
    }
    throw std::logic_error("exchange: another kind");
}

void randomise(const ParameterList<double>& parameters, Random& random) {
    for (const auto& [path, parameter] : parameters) parameter->assign(random.tensor(parameter->shape()));
}

void exchange(const std::string& name, const torch_layers::Module& module) {
    nn::Generator generator(1);
    Random random(name);
    const std::size_t width =
        (module.kind == Kind::lstm_projected ? P : H) * (module.both_directions ? 2 : 1);
    nn::Stack<double> stack;
    for (std::size_t k = 0; k < module.layers; ++k)
        stack.add(layer_of(module, k == 0 ? I : width, generator));
    randomise(stack.parameters(), random);
    const Tensor<double> x = random.tensor({T, B, I});
    const Tensor<double> weights = random.tensor({T, B, width});
    const Ours<nn::Stack<double>> ours{stack, nn::pytorch(stack), stack.parameters()};
    const auto forward = [](const auto& layer, const Var<double>& read) {
        return nn::unroll(layer, read).outputs;
    };

    nn::save(file(), ours.naming);
    ours.check(name + " to LibTorch", x, weights,
               torch_layers::run(module, read_file(), array_of(x), array_of(weights)), forward);

    const torch_layers::Arrays theirs = torch_layers::random_parameters(module, 7);
    write_file(theirs);
    nn::load(file(), ours.naming);
    ours.check(name + " from LibTorch", x, weights,
               torch_layers::run(module, theirs, array_of(x), array_of(weights)), forward);
}

struct LinearAndNorm {
    nn::Linear<double> fc;
    nn::LayerNorm<double> norm;
};

void exchange_layers() {
    nn::Generator generator(1);
    Random random("layers");
    LinearAndNorm layers{nn::Linear<double>(I, H, generator), nn::LayerNorm<double>(H)};
    Ours<LinearAndNorm> ours{layers, {}, {}};
    ours.naming.add("fc", nn::pytorch(layers.fc)).add("norm", nn::pytorch(layers.norm));
    ours.parameters.add("fc", layers.fc.parameters());
    ours.parameters.add("norm", layers.norm.parameters());
    randomise(ours.parameters, random);
    const Tensor<double> x = random.tensor({B, I});
    const Tensor<double> weights = random.tensor({B, H});
    nn::save(file(), ours.naming);
    ours.check("Linear and LayerNorm", x, weights,
               torch_layers::run_linear_and_norm(read_file(), array_of(x), array_of(weights)),
               [](const LinearAndNorm& both, const Var<double>& read) { return both.norm(both.fc(read)); });

    nn::Embedding<double> table(6, 3, generator);
    nn::save(file(), nn::pytorch(table));
    const Tape<double> tape;
    check_same("Embedding", table({5, 0, 2}).value(), tensor_of(torch_layers::embed(read_file(), {5, 0, 2})));
}

}  // namespace

int main() {
    const std::pair<const char*, Kind> kinds[] = {{"RNN of tanh", Kind::rnn_tanh},
                                                  {"RNN of relu", Kind::rnn_relu},
                                                  {"LSTM", Kind::lstm},
                                                  {"LSTM with a projection", Kind::lstm_projected},
                                                  {"GRU", Kind::gru}};
    try {
        for (const auto& [name, kind] : kinds)
            for (const std::size_t layers : {std::size_t{1}, std::size_t{2}})
                for (const bool both : {false, true})
                    exchange(fmt::format("{}, {} layers{}", name, layers, both ? ", both directions" : ""),
                             {kind, I, H, P, layers, both});
        exchange_layers();
    } catch (const std::exception& error) {
        ++failures;
        fmt::print("{}\n", error.what());
    }
    std::filesystem::remove(file());
    fmt::print("{} differences\n", failures);
    return failures == 0 ? 0 : 1;
}
