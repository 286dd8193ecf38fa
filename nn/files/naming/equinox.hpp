#pragma once

#include <nn/files/naming/known_layers.hpp>
#include <nn/files/weights/naming.hpp>

/// The names and layouts of Equinox' modules, the fields of a model joined by dots:
///
///     nn::Naming<float> names;
///     names.add("cell", nn::equinox(cell));          // model.cell.weight_ih, ...
///     names.add("linear", nn::equinox(head));        // model.linear.weight, model.linear.bias
///     nn::load("model.safetensors", names);
///
/// A cell has weight_ih [G H, I], weight_hh [G H, H] and one bias [G H]; the gates are i, f, g, o, or r, z,
/// n, and a GRU has bias_n [H] inside the reset product. Source: equinox/nn/_rnn.py, _linear.py,
/// _embedding.py and _normalisation.py. `eps` of a LayerNorm is no parameter (1e-5 here and there).
namespace tapeloop::nn {

/// Throws `std::invalid_argument`: Equinox has no simple recurrent cell.
template <class T>
Naming<T> equinox(ElmanCell<T>& cell);
/// The names of equinox.nn.LSTMCell.
template <class T>
Naming<T> equinox(LstmCell<T>& cell);
/// The names of equinox.nn.LSTMCell. Throws `std::invalid_argument` for every option.
template <class T>
Naming<T> equinox(LstmVariantCell<T>& cell);
/// The names of equinox.nn.GRUCell. Throws `std::invalid_argument` for `Update::takes` and `hard_sigmoid`.
template <class T>
Naming<T> equinox(GruCell<T>& cell);
/// Throws `std::invalid_argument`: Equinox' GRUCell has the reset gate after the product.
template <class T>
Naming<T> equinox(ResetBeforeGruCell<T>& cell);
/// Throws `std::invalid_argument`: Equinox' GRUCell has a reset gate.
template <class T>
Naming<T> equinox(MinimalGruCell<T>& cell);

/// The names of equinox.nn.Linear: weight [O, I] and bias.
template <class T>
Naming<T> equinox(Linear<T>& layer);
/// The names of equinox.nn.Embedding: weight [N, D].
template <class T>
Naming<T> equinox(Embedding<T>& layer);
/// The names of equinox.nn.LayerNorm: weight and bias.
template <class T>
Naming<T> equinox(LayerNorm<T>& layer);

/// The names of the cell, over which a scan runs from the end.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> equinox(Reversed<C<T>>& cell);
/// The names of a module with two cells as its fields `forward` and `backward`; Equinox has none of its own.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> equinox(Bidirectional<C<T>>& both);

/// The names of what is held. Throws `std::invalid_argument` when Equinox has no such module.
template <class T>
Naming<T> equinox(AnyLayer<T>& held);
/// The names of every layer behind the one that it has in the stack: call them as the fields there.
template <class T>
Naming<T> equinox(Stack<T>& stack);

}  // namespace tapeloop::nn
