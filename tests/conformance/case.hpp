#pragma once

#include <autograd/tensor.hpp>
#include <nn/cells/activation.hpp>
#include <nn/cells/gru_options.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/wrappers/bidirectional.hpp>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// Recurrent layers with the numbers that another implementation gave for them: what a conformance file
/// holds.
namespace tapeloop::conformance {

/// A file or a case that does not keep to the format; the text says where.
class Malformed : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The parameters of one direction by their names in the file: `U.input`, `b`.
using Entries = std::map<std::string, Tensor<double>>;

/// One layer: its forward direction, its reverse one, or both.
struct LayerEntries {
    std::optional<Entries> forward;
    std::optional<Entries> reverse;
};

enum class Kind { rnn, lstm, gru };

struct Options {
    nn::Activation activation = nn::Activation::tanh;
    bool projection = false;
    bool reset_after = false;
    bool minimal = false;
    nn::Merge merge = nn::Merge::concat;
    nn::GruOptions gru;
    nn::LstmVariantOptions lstm;  ///< but for the projection's size, which the parameters tell
};

/// The results of a run, or what is expected of it, or the weights of its sum.
struct Results {
    std::optional<Tensor<double>> output;  ///< [T, B, ..] of the top layer
    std::optional<Tensor<double>> h;       ///< final states, [L D, B, ..]
    std::optional<Tensor<double>> c;
};

struct LayerGradients {
    std::optional<Tensor<double>> x;
    std::optional<Tensor<double>> h0;
    std::optional<Tensor<double>> c0;
    std::vector<LayerEntries> layers;
};

struct Case {
    std::string name;
    /// The message on what does not keep to the format; the rest is then not read.
    std::string malformed;
    /// The option that this runner lacks; the rest is then not read.
    std::string missing;

    Kind kind = Kind::rnn;
    Options options;
    std::vector<LayerEntries> layers;
    Tensor<double> x;
    std::vector<std::size_t> lengths;  ///< empty when all rows are whole
    std::optional<Tensor<double>> h0;
    std::optional<Tensor<double>> c0;

    Results expected;
    Results objective;
    std::optional<LayerGradients> gradients;
    double absolute = 0;
    double relative = 0;
};

}  // namespace tapeloop::conformance
