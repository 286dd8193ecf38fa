#include <nn/files/naming/equinox.hpp>
#include <nn/files/naming/layer_by_layer.hpp>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view equinox_name = "Equinox";

template <class C, class T>
void add_cell(Naming<T>& arrays, C& cell, Arrangement how) {
    how.transposed = true;
    arrays.add("weight_ih", cell.U, how).add("weight_hh", cell.W, how);
    how.is_bias = true;
    arrays.add("bias", cell.b, how);
}

template <class C, class T>
void equinox_lstm_arrays(Naming<T>& arrays, C& cell) {
    add_cell(arrays, cell, gate_order(cell.gate_names(), {"input", "forget", "candidate", "output"}));
}

}  // namespace

template <class T>
Naming<T> equinox(ElmanCell<T>&) {
    fail_without_counterpart("equinox", "ElmanCell",
                             "Equinox has an LSTMCell and a GRUCell, and no simple one");
}

template <class T>
Naming<T> equinox(LstmCell<T>& cell) {
    Naming<T> arrays;
    equinox_lstm_arrays(arrays, cell);
    return arrays;
}

template <class T>
Naming<T> equinox(LstmVariantCell<T>& cell) {
    require_counterpart("equinox", equinox_name, cell.options, {});
    Naming<T> arrays;
    equinox_lstm_arrays(arrays, cell);
    return arrays;
}

template <class T>
Naming<T> equinox(GruCell<T>& cell) {
    require_counterpart("equinox", equinox_name, "GruCell", cell.options, false);
    Naming<T> arrays;
    add_cell(arrays, cell, gate_order(cell.gate_names(), {"reset", "update", "candidate"}));
    arrays.add("bias_n", cell.b_recurrent, {.is_bias = true});
    return arrays;
}

template <class T>
Naming<T> equinox(ResetBeforeGruCell<T>&) {
    fail_without_counterpart("equinox", "ResetBeforeGruCell",
                             "the GRUCell of Equinox applies its reset gate after the recurrent product");
}

template <class T>
Naming<T> equinox(MinimalGruCell<T>&) {
    fail_without_counterpart("equinox", "MinimalGruCell", "the GRUCell of Equinox has a reset gate");
}

template <class T>
Naming<T> equinox(Linear<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.V, transposed).add("bias", layer.c, {.is_bias = true});
    return arrays;
}
template <class T>
Naming<T> equinox(Embedding<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.table);
    return arrays;
}
template <class T>
Naming<T> equinox(LayerNorm<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.gamma).add("bias", layer.beta, {.is_bias = true});
    return arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> equinox(Reversed<C<T>>& cell) { return equinox(cell.inner); }

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> equinox(Bidirectional<C<T>>& both) {
    Naming<T> arrays;
    arrays.add("forward", equinox(both.forward)).add("backward", equinox(both.backward));
    return arrays;
}

template <class T>
Naming<T> equinox(AnyLayer<T>& held) {
    return naming_of_held("equinox", equinox_name, held,
                          [](auto& known) -> decltype(equinox(known)) { return equinox(known); });
}
template <class T>
Naming<T> equinox(Stack<T>& stack) {
    return naming_of_layers(stack, [](AnyLayer<T>& layer) { return equinox(layer); });
}

template Naming<float> equinox(ElmanCell<float>&);
template Naming<float> equinox(Reversed<ElmanCell<float>>&);
template Naming<float> equinox(Bidirectional<ElmanCell<float>>&);
template Naming<float> equinox(LstmCell<float>&);
template Naming<float> equinox(Reversed<LstmCell<float>>&);
template Naming<float> equinox(Bidirectional<LstmCell<float>>&);
template Naming<float> equinox(LstmVariantCell<float>&);
template Naming<float> equinox(Reversed<LstmVariantCell<float>>&);
template Naming<float> equinox(Bidirectional<LstmVariantCell<float>>&);
template Naming<float> equinox(GruCell<float>&);
template Naming<float> equinox(Reversed<GruCell<float>>&);
template Naming<float> equinox(Bidirectional<GruCell<float>>&);
template Naming<float> equinox(ResetBeforeGruCell<float>&);
template Naming<float> equinox(Reversed<ResetBeforeGruCell<float>>&);
template Naming<float> equinox(Bidirectional<ResetBeforeGruCell<float>>&);
template Naming<float> equinox(MinimalGruCell<float>&);
template Naming<float> equinox(Reversed<MinimalGruCell<float>>&);
template Naming<float> equinox(Bidirectional<MinimalGruCell<float>>&);
template Naming<float> equinox(Linear<float>&);
template Naming<float> equinox(Embedding<float>&);
template Naming<float> equinox(LayerNorm<float>&);
template Naming<float> equinox(AnyLayer<float>&);
template Naming<float> equinox(Stack<float>&);
template Naming<double> equinox(ElmanCell<double>&);
template Naming<double> equinox(Reversed<ElmanCell<double>>&);
template Naming<double> equinox(Bidirectional<ElmanCell<double>>&);
template Naming<double> equinox(LstmCell<double>&);
template Naming<double> equinox(Reversed<LstmCell<double>>&);
template Naming<double> equinox(Bidirectional<LstmCell<double>>&);
template Naming<double> equinox(LstmVariantCell<double>&);
template Naming<double> equinox(Reversed<LstmVariantCell<double>>&);
template Naming<double> equinox(Bidirectional<LstmVariantCell<double>>&);
template Naming<double> equinox(GruCell<double>&);
template Naming<double> equinox(Reversed<GruCell<double>>&);
template Naming<double> equinox(Bidirectional<GruCell<double>>&);
template Naming<double> equinox(ResetBeforeGruCell<double>&);
template Naming<double> equinox(Reversed<ResetBeforeGruCell<double>>&);
template Naming<double> equinox(Bidirectional<ResetBeforeGruCell<double>>&);
template Naming<double> equinox(MinimalGruCell<double>&);
template Naming<double> equinox(Reversed<MinimalGruCell<double>>&);
template Naming<double> equinox(Bidirectional<MinimalGruCell<double>>&);
template Naming<double> equinox(Linear<double>&);
template Naming<double> equinox(Embedding<double>&);
template Naming<double> equinox(LayerNorm<double>&);
template Naming<double> equinox(AnyLayer<double>&);
template Naming<double> equinox(Stack<double>&);

}  // namespace tapeloop::nn
