#pragma once

#include <nn/files/naming/known_layers.hpp>
#include <nn/files/weights/naming.hpp>

/// The names and layouts of Keras' layers, as `variable.path` of Keras 3 has them:
///
///     nn::Naming<float> names;
///     names.add("embedding", nn::keras(embedding));      // embedding/embeddings
///     names.add("lstm", nn::keras(cell));                // lstm/lstm_cell/kernel, ...
///     names.add("dense", nn::keras(head));               // dense/kernel, dense/bias
///     nn::load("model.safetensors", names);
///
/// for what `{v.path: v.numpy() for v in model.variables}` put into the file. A cell has a kernel [I, G u], a
/// recurrent_kernel [u, G u] and a bias [G u], and the gates are i, f, c, o, or z, r, h. A GRU of
/// `reset_after` has a bias [2, 3u], the second row for the recurrent product: for z and r the two are added
/// up coming in, and go out as the first and zeros. Sources:
/// keras/src/layers/rnn/{simple_rnn,lstm,gru,bidirectional}.py of Keras 3, and the Keras 3 API documentation
/// of Dense, Embedding and LayerNormalization (keras.io).
///
/// Options that are no parameters are not in the file: `activation` and `recurrent_activation` of a cell
/// (`tanh` and `sigmoid` here; Keras' `hard_sigmoid` before version 3 is `GateActivation::hard_sigmoid`),
/// `reset_after`, `merge_mode`, `epsilon` of a LayerNormalization (1e-3 there, 1e-5 here), `mask_zero` of an
/// Embedding. A layer of Keras with `go_backwards`, here `Reversed`, gives its outputs in the order in which
/// it reads.
namespace tapeloop::nn {

/// The names of keras.layers.SimpleRNN, simple_rnn_cell/kernel and so on.
template <class T>
Naming<T> keras(ElmanCell<T>& cell);
/// The names of keras.layers.LSTM, lstm_cell/kernel and so on.
template <class T>
Naming<T> keras(LstmCell<T>& cell);
/// The names of keras.layers.LSTM. Throws `std::invalid_argument` for every option but the gates' activation.
template <class T>
Naming<T> keras(LstmVariantCell<T>& cell);
/// The names of keras.layers.GRU with `reset_after`, its default: gru_cell/kernel and so on. Throws
/// `std::invalid_argument` for `Update::takes`.
template <class T>
Naming<T> keras(GruCell<T>& cell);
/// The names of keras.layers.GRU with `reset_after=False`. Throws `std::invalid_argument` for
/// `Update::takes`.
template <class T>
Naming<T> keras(ResetBeforeGruCell<T>& cell);
/// Throws `std::invalid_argument`: Keras' GRU has a reset gate.
template <class T>
Naming<T> keras(MinimalGruCell<T>& cell);

/// The names of keras.layers.Dense: kernel [I, O] and bias.
template <class T>
Naming<T> keras(Linear<T>& layer);
/// The names of keras.layers.Embedding: embeddings [N, D].
template <class T>
Naming<T> keras(Embedding<T>& layer);
/// The names of keras.layers.LayerNormalization: gamma and beta.
template <class T>
Naming<T> keras(LayerNorm<T>& layer);

/// The names of a layer with `go_backwards`: those of the cell.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> keras(Reversed<C<T>>& cell);

/// The names of keras.layers.Bidirectional, forward_lstm/lstm_cell/kernel and so on. Keras numbers the layers
/// of a model; of the second one, `layer` is "lstm_1". Without it, it is the first of its class.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> keras(Bidirectional<C<T>>& both, std::string_view layer = "");

/// The names of what is held. Throws `std::invalid_argument` when Keras has no such layer.
template <class T>
Naming<T> keras(AnyLayer<T>& held);
/// The names of every layer behind the one that it has in the stack: call them as Keras does,
/// `stack.add("lstm_1", ...)`.
template <class T>
Naming<T> keras(Stack<T>& stack);

/// The names of a cell alone, such as keras.layers.LSTMCell: kernel, recurrent_kernel and bias.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> keras_cell(C<T>& cell);

}  // namespace tapeloop::nn
