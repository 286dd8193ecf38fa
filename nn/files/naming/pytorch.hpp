#pragma once

#include <nn/files/naming/known_layers.hpp>
#include <nn/files/weights/naming.hpp>

/// The names and layouts of PyTorch's modules:
///
///     nn::Naming<float> torch;
///     torch.add("lstm", nn::pytorch(stack));      // lstm.weight_ih_l0, ... of torch.nn.LSTM
///     torch.add("fc", nn::pytorch(head));         // fc.weight, fc.bias of torch.nn.Linear
///     nn::load("model.safetensors", torch);
///
/// A recurrent module (torch.nn.RNN, LSTM, GRU) has for every layer k weight_ih_lk [G H, I], weight_hh_lk [G
/// H, H], bias_ih_lk and bias_hh_lk [G H], and in an LSTM with a projection weight_hr_lk [P, H]; those of the
/// reverse direction end in `_reverse`. The gates are i, f, g, o, or r, z, n. The two biases are added up
/// coming in, and go out as one and zeros, but for a GRU's candidate, whose second one stands inside the
/// reset product. Source: the documentation of torch.nn.RNN, LSTM, GRU, Linear, Embedding and LayerNorm
/// (docs.pytorch.org, "Variables").
///
/// Options that are no parameters are not in the file: `nonlinearity` of an RNN, `eps` of a LayerNorm (1e-5
/// here and there), `padding_idx` of an Embedding.
namespace tapeloop::nn {

/// The names in layer `layer` of torch.nn.RNN. Throws `std::invalid_argument` for a sigmoid.
template <class T>
Naming<T> pytorch(ElmanCell<T>& cell, std::size_t layer = 0);
/// The names in layer `layer` of torch.nn.LSTM.
template <class T>
Naming<T> pytorch(LstmCell<T>& cell, std::size_t layer = 0);
/// The names in layer `layer` of torch.nn.LSTM, also with `proj_size`. Throws `std::invalid_argument` for
/// every other option.
template <class T>
Naming<T> pytorch(LstmVariantCell<T>& cell, std::size_t layer = 0);
/// The names in layer `layer` of torch.nn.GRU. Throws `std::invalid_argument` for `Update::takes` and
/// `hard_sigmoid`.
template <class T>
Naming<T> pytorch(GruCell<T>& cell, std::size_t layer = 0);
/// Throws `std::invalid_argument`: PyTorch's GRU has the reset gate after the product.
template <class T>
Naming<T> pytorch(ResetBeforeGruCell<T>& cell, std::size_t layer = 0);
/// Throws `std::invalid_argument`: PyTorch's GRU has a reset gate.
template <class T>
Naming<T> pytorch(MinimalGruCell<T>& cell, std::size_t layer = 0);

/// The names of torch.nn.Linear: weight [O, I] and bias.
template <class T>
Naming<T> pytorch(Linear<T>& layer);
/// The names of torch.nn.Embedding: weight [N, D].
template <class T>
Naming<T> pytorch(Embedding<T>& layer);
/// The names of torch.nn.LayerNorm: weight and bias.
template <class T>
Naming<T> pytorch(LayerNorm<T>& layer);

/// The names in layer `layer` of a bidirectional module. Throws `std::invalid_argument` unless the outputs
/// are concatenated, and the two directions are equally wide.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> pytorch(Bidirectional<C<T>>& both, std::size_t layer = 0);

/// The names of what is held: layer `layer` of a recurrent module, or a Linear or LayerNorm. Throws
/// `std::invalid_argument` when PyTorch has no such module.
template <class T>
Naming<T> pytorch(AnyLayer<T>& held, std::size_t layer = 0);

/// The names of one recurrent module, whose layers are those of the stack; `Dropout` is passed over, as it is
/// the module's option `dropout`. Throws `std::invalid_argument` unless all are cells of one kind and size. A
/// stack that has other layers, too, is named layer by layer:
///
///     torch.add("lstm", nn::pytorch(stack.layer(0)));
///     torch.add("lstm", nn::pytorch(stack.layer(1), 1));
///     torch.add("fc", nn::pytorch(stack.layer(2)));
template <class T>
Naming<T> pytorch(Stack<T>& stack);

/// The names of one step's module, torch.nn.RNNCell, LSTMCell or GRUCell: as those of a layer, without `_l0`.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> pytorch_cell(C<T>& cell);

}  // namespace tapeloop::nn
