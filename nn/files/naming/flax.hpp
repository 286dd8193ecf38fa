#pragma once

#include <nn/files/naming/known_layers.hpp>
#include <nn/files/weights/naming.hpp>

/// The names and layouts of Flax' linen modules, as flax.traverse_util.flatten_dict(params, sep=".") has
/// them:
///
///     nn::Naming<float> names;
///     names.add("RNN_0.cell", nn::flax(cell));       // RNN_0.cell.ii.kernel, ... of nn.RNN(nn.LSTMCell(..))
///     names.add("Dense_0", nn::flax(head));          // Dense_0.kernel, Dense_0.bias
///     nn::load("model.safetensors", names);
///
/// A cell has a Dense for each gate: one of the inputs, such as `ii`, and one of the state, such as `hi`,
/// with a kernel [I, H] or [H, H] each, and where it has one, a bias [H]. Source: flax/linen/recurrent.py,
/// and the documentation of flax.linen.Dense, Embed and LayerNorm (flax.readthedocs.io).
///
/// Options that are no parameters are not in the file: `activation_fn` and `gate_fn` (tanh and sigmoid here),
/// `merge_fn`, `epsilon` of a LayerNorm (1e-6 there, 1e-5 here).
namespace tapeloop::nn {

/// The names of SimpleCell without `residual`: i (with the bias) and h.
template <class T>
Naming<T> flax(ElmanCell<T>& cell);
/// The names of LSTMCell and OptimizedLSTMCell: ii, if, ig, io, and with the biases hi, hf, hg, ho.
template <class T>
Naming<T> flax(LstmCell<T>& cell);
/// The names of LSTMCell. Throws `std::invalid_argument` for every option.
template <class T>
Naming<T> flax(LstmVariantCell<T>& cell);
/// The names of GRUCell: with biases ir, iz, in, hn, and hr, hz. Throws `std::invalid_argument` for
/// `Update::takes` and `hard_sigmoid`.
template <class T>
Naming<T> flax(GruCell<T>& cell);
/// Throws `std::invalid_argument`: Flax' GRUCell has the reset gate after the product.
template <class T>
Naming<T> flax(ResetBeforeGruCell<T>& cell);
/// The names of MGUCell with `reset_gate=False`: with biases if, in, and hf, hn. Throws
/// `std::invalid_argument` for `Update::takes` and `hard_sigmoid`.
template <class T>
Naming<T> flax(MinimalGruCell<T>& cell);

/// The names of Dense: kernel [I, O] and bias.
template <class T>
Naming<T> flax(Linear<T>& layer);
/// The names of Embed: embedding [N, D].
template <class T>
Naming<T> flax(Embedding<T>& layer);
/// The names of LayerNorm: scale and bias.
template <class T>
Naming<T> flax(LayerNorm<T>& layer);

/// The names of a cell in an RNN with `reverse` and `keep_order`: those of the cell.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> flax(Reversed<C<T>>& cell);
/// The names of Bidirectional(RNN(cell), RNN(cell)): forward_rnn.cell.ii.kernel, backward_rnn.cell.ii.kernel
/// and so on.
template <template <class> class C, class T>
requires detail::KnownCell<C<T>> Naming<T> flax(Bidirectional<C<T>>& both);

/// The names of what is held. Throws `std::invalid_argument` when Flax has no such module.
template <class T>
Naming<T> flax(AnyLayer<T>& held);
/// The names of every layer behind the one that it has in the stack: call them as the model there does.
template <class T>
Naming<T> flax(Stack<T>& stack);

}  // namespace tapeloop::nn
