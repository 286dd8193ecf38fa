#pragma once

#include <nn/files/named_arrays.hpp>

#include <functional>
#include <string>
#include <vector>

/// What other libraries compute with the arrays of their files, in plain loops, written from their
/// documentation (PyTorch) and their sources (Keras, Flax, Equinox), and from nothing of this library.
namespace tapeloop::test::outside {

using Numbers = std::vector<double>;

/// A layer's state: h, and c of an LSTM.
struct State {
    Numbers h;
    Numbers c;
};

/// One step of one row.
using Step = std::function<State(const Numbers& x, const State& state)>;

/// torch.nn.RNN, LSTM (with weight_hr when it is there) and GRU: `suffix` is "_l0", "_l1_reverse".
Step pytorch_rnn(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix,
                 bool relu = false);
Step pytorch_lstm(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix);
Step pytorch_gru(const nn::NamedArrays& arrays, const std::string& prefix, const std::string& suffix);

/// keras.layers.SimpleRNN, LSTM and GRU of both conventions.
Step keras_rnn(const nn::NamedArrays& arrays, const std::string& prefix);
Step keras_lstm(const nn::NamedArrays& arrays, const std::string& prefix);
Step keras_gru(const nn::NamedArrays& arrays, const std::string& prefix, bool reset_after);

/// flax.linen.SimpleCell, LSTMCell, GRUCell and MGUCell without its reset gate.
Step flax_rnn(const nn::NamedArrays& arrays, const std::string& prefix);
Step flax_lstm(const nn::NamedArrays& arrays, const std::string& prefix);
Step flax_gru(const nn::NamedArrays& arrays, const std::string& prefix);
Step flax_mgu(const nn::NamedArrays& arrays, const std::string& prefix);

/// equinox.nn.LSTMCell and GRUCell.
Step equinox_lstm(const nn::NamedArrays& arrays, const std::string& prefix);
Step equinox_gru(const nn::NamedArrays& arrays, const std::string& prefix);

/// The outputs for one row, at the t they belong to, from a state of zeros.
std::vector<Numbers> run(const Step& step, const std::vector<Numbers>& x, std::size_t h_size,
                         std::size_t c_size, bool reverse = false);

/// The numbers of two directions side by side.
std::vector<Numbers> side_by_side(const std::vector<Numbers>& ahead, const std::vector<Numbers>& back);

}  // namespace tapeloop::test::outside
