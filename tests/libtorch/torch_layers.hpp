#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// LibTorch's layers, behind an interface that knows neither its headers nor ours: each is compiled with
/// flags of its own.
namespace torch_layers {

struct Array {
    std::vector<std::size_t> shape;
    std::vector<double> values;
};

using Arrays = std::map<std::string, Array>;

enum class Kind { rnn_tanh, rnn_relu, lstm, lstm_projected, gru };

/// A recurrent module in double.
struct Module {
    Kind kind;
    std::size_t inputs;
    std::size_t units;
    std::size_t projected;  ///< of an LSTM with a projection
    std::size_t layers;
    bool both_directions;
};

struct Outcome {
    Array outputs;
    Array x_gradient;
    Arrays gradients;  ///< of the sum of outputs times weights, by the names of the parameters
};

/// The parameters of a module as LibTorch makes it, by their names.
Arrays random_parameters(const Module& module, std::uint64_t seed);

/// Runs the module on x [T, B, I] with these parameters. Throws `std::runtime_error` unless they are those
/// that it has, in name and shape.
Outcome run(const Module& module, const Arrays& parameters, const Array& x, const Array& weights);

/// torch.nn.LayerNorm behind torch.nn.Linear: parameters `fc.weight`, `fc.bias`, `norm.weight`, `norm.bias`.
Outcome run_linear_and_norm(const Arrays& parameters, const Array& x, const Array& weights);

/// Rows of torch.nn.Embedding, whose parameter is `weight`.
Array embed(const Arrays& parameters, const std::vector<std::int64_t>& tokens);

}  // namespace torch_layers
