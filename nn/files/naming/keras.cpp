#include <fmt/format.h>
#include <nn/files/naming/keras.hpp>
#include <nn/files/naming/layer_by_layer.hpp>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view keras_name = "Keras";

/// What Keras calls the class of a cell's layer.
template <class T>
std::string class_of(const ElmanCell<T>&) {
    return "simple_rnn";
}
template <class T>
std::string class_of(const LstmCell<T>&) {
    return "lstm";
}
template <class T>
std::string class_of(const LstmVariantCell<T>&) {
    return "lstm";
}
template <class C>
std::string class_of(const C&) {
    return "gru";
}

template <class T>
void add_kernels(Naming<T>& arrays, Parameter<T>& U, Parameter<T>& W, const Arrangement& how = {}) {
    arrays.add("kernel", U, how).add("recurrent_kernel", W, how);
}

template <class T>
void arrays_of(Naming<T>& arrays, ElmanCell<T>& cell) {
    add_kernels(arrays, cell.U, cell.W);
    arrays.add("bias", cell.b, {.is_bias = true});
}

template <class C, class T>
void keras_lstm_arrays(Naming<T>& arrays, C& cell) {
    Arrangement how = gate_order(cell.gate_names(), {"input", "forget", "candidate", "output"});
    add_kernels(arrays, cell.U, cell.W, how);
    how.is_bias = true;
    arrays.add("bias", cell.b, how);
}

template <class T>
void arrays_of(Naming<T>& arrays, LstmCell<T>& cell) {
    keras_lstm_arrays(arrays, cell);
}

template <class T>
void arrays_of(Naming<T>& arrays, LstmVariantCell<T>& cell) {
    require_counterpart("keras", keras_name, cell.options, {.hard_sigmoid = true});
    keras_lstm_arrays(arrays, cell);
}

template <class T>
void arrays_of(Naming<T>& arrays, GruCell<T>& cell) {
    require_counterpart("keras", keras_name, "GruCell", cell.options, true);
    const auto names = cell.gate_names();
    const std::size_t H = cell.b_recurrent.shape()[0];
    const Arrangement how = gate_order(names, {"update", "reset", "candidate"});
    add_kernels(arrays, cell.U, cell.W, how);
    OutsideArray<T> bias("bias", {2, 3 * H}, true);
    for (std::size_t k = 0; k < names.size(); ++k) {
        const ParameterPart<T> gate(cell.b, names, names[how.order[k]]);
        bias.put(gate, {.column = k * H});
        if (k < 2) bias.put(gate, {.row = 1, .column = k * H, .is_second = true});
    }
    bias.put(cell.b_recurrent, {.row = 1, .column = 2 * H});
    arrays.add(std::move(bias));
}

template <class T>
void arrays_of(Naming<T>& arrays, ResetBeforeGruCell<T>& cell) {
    require_counterpart("keras", keras_name, "ResetBeforeGruCell", cell.options, true);
    const std::size_t H = cell.W_candidate.shape()[0];
    Arrangement how = gate_order(cell.gate_names(), {"update", "reset", "candidate"});
    arrays.add("kernel", cell.U, how);
    const auto names = cell.recurrent_gate_names();
    OutsideArray<T> recurrent("recurrent_kernel", {H, 3 * H});
    recurrent.put({cell.W, names, "update"}, {});
    recurrent.put({cell.W, names, "reset"}, {.column = H});
    recurrent.put(cell.W_candidate, {.column = 2 * H});
    arrays.add(std::move(recurrent));
    how.is_bias = true;
    arrays.add("bias", cell.b, how);
}

template <class T>
void arrays_of(Naming<T>&, MinimalGruCell<T>&) {
    fail_without_counterpart("keras", "MinimalGruCell", "the GRU of Keras has a reset gate");
}

template <template <class> class C, class T>
Naming<T> cell_arrays(C<T>& cell) {
    Naming<T> arrays("/");
    arrays_of(arrays, cell);
    return arrays;
}

template <template <class> class C, class T>
Naming<T> layer_arrays(C<T>& cell) {
    Naming<T> arrays("/");
    arrays.add(class_of(cell) + "_cell", cell_arrays(cell));
    return arrays;
}

}  // namespace

template <class T>
Naming<T> keras(ElmanCell<T>& cell) {
    return layer_arrays(cell);
}
template <class T>
Naming<T> keras(LstmCell<T>& cell) {
    return layer_arrays(cell);
}
template <class T>
Naming<T> keras(LstmVariantCell<T>& cell) {
    return layer_arrays(cell);
}
template <class T>
Naming<T> keras(GruCell<T>& cell) {
    return layer_arrays(cell);
}
template <class T>
Naming<T> keras(ResetBeforeGruCell<T>& cell) {
    return layer_arrays(cell);
}
template <class T>
Naming<T> keras(MinimalGruCell<T>& cell) {
    return layer_arrays(cell);
}

template <class T>
Naming<T> keras(Linear<T>& layer) {
    Naming<T> arrays("/");
    arrays.add("kernel", layer.V).add("bias", layer.c, {.is_bias = true});
    return arrays;
}
template <class T>
Naming<T> keras(Embedding<T>& layer) {
    Naming<T> arrays("/");
    arrays.add("embeddings", layer.table);
    return arrays;
}
template <class T>
Naming<T> keras(LayerNorm<T>& layer) {
    Naming<T> arrays("/");
    arrays.add("gamma", layer.gamma).add("beta", layer.beta, {.is_bias = true});
    return arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> keras(Reversed<C<T>>& cell) { return keras(cell.inner); }

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> keras(Bidirectional<C<T>>& both, std::string_view layer) {
    const std::string name = layer.empty() ? class_of(both.forward) : std::string(layer);
    Naming<T> arrays("/");
    arrays.add("forward_" + name, keras(both.forward)).add("backward_" + name, keras(both.backward));
    return arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> keras_cell(C<T>& cell) { return cell_arrays(cell); }

template <class T>
Naming<T> keras(AnyLayer<T>& held) {
    return naming_of_held("keras", keras_name, held,
                          [](auto& known) -> decltype(keras(known)) { return keras(known); });
}
template <class T>
Naming<T> keras(Stack<T>& stack) {
    return naming_of_layers(stack, [](AnyLayer<T>& layer) { return keras(layer); });
}

template Naming<float> keras(ElmanCell<float>&);
template Naming<float> keras(Reversed<ElmanCell<float>>&);
template Naming<float> keras(Bidirectional<ElmanCell<float>>&, std::string_view);
template Naming<float> keras_cell(ElmanCell<float>&);
template Naming<float> keras(LstmCell<float>&);
template Naming<float> keras(Reversed<LstmCell<float>>&);
template Naming<float> keras(Bidirectional<LstmCell<float>>&, std::string_view);
template Naming<float> keras_cell(LstmCell<float>&);
template Naming<float> keras(LstmVariantCell<float>&);
template Naming<float> keras(Reversed<LstmVariantCell<float>>&);
template Naming<float> keras(Bidirectional<LstmVariantCell<float>>&, std::string_view);
template Naming<float> keras_cell(LstmVariantCell<float>&);
template Naming<float> keras(GruCell<float>&);
template Naming<float> keras(Reversed<GruCell<float>>&);
template Naming<float> keras(Bidirectional<GruCell<float>>&, std::string_view);
template Naming<float> keras_cell(GruCell<float>&);
template Naming<float> keras(ResetBeforeGruCell<float>&);
template Naming<float> keras(Reversed<ResetBeforeGruCell<float>>&);
template Naming<float> keras(Bidirectional<ResetBeforeGruCell<float>>&, std::string_view);
template Naming<float> keras_cell(ResetBeforeGruCell<float>&);
template Naming<float> keras(MinimalGruCell<float>&);
template Naming<float> keras(Reversed<MinimalGruCell<float>>&);
template Naming<float> keras(Bidirectional<MinimalGruCell<float>>&, std::string_view);
template Naming<float> keras_cell(MinimalGruCell<float>&);
template Naming<float> keras(Linear<float>&);
template Naming<float> keras(Embedding<float>&);
template Naming<float> keras(LayerNorm<float>&);
template Naming<float> keras(AnyLayer<float>&);
template Naming<float> keras(Stack<float>&);
template Naming<double> keras(ElmanCell<double>&);
template Naming<double> keras(Reversed<ElmanCell<double>>&);
template Naming<double> keras(Bidirectional<ElmanCell<double>>&, std::string_view);
template Naming<double> keras_cell(ElmanCell<double>&);
template Naming<double> keras(LstmCell<double>&);
template Naming<double> keras(Reversed<LstmCell<double>>&);
template Naming<double> keras(Bidirectional<LstmCell<double>>&, std::string_view);
template Naming<double> keras_cell(LstmCell<double>&);
template Naming<double> keras(LstmVariantCell<double>&);
template Naming<double> keras(Reversed<LstmVariantCell<double>>&);
template Naming<double> keras(Bidirectional<LstmVariantCell<double>>&, std::string_view);
template Naming<double> keras_cell(LstmVariantCell<double>&);
template Naming<double> keras(GruCell<double>&);
template Naming<double> keras(Reversed<GruCell<double>>&);
template Naming<double> keras(Bidirectional<GruCell<double>>&, std::string_view);
template Naming<double> keras_cell(GruCell<double>&);
template Naming<double> keras(ResetBeforeGruCell<double>&);
template Naming<double> keras(Reversed<ResetBeforeGruCell<double>>&);
template Naming<double> keras(Bidirectional<ResetBeforeGruCell<double>>&, std::string_view);
template Naming<double> keras_cell(ResetBeforeGruCell<double>&);
template Naming<double> keras(MinimalGruCell<double>&);
template Naming<double> keras(Reversed<MinimalGruCell<double>>&);
template Naming<double> keras(Bidirectional<MinimalGruCell<double>>&, std::string_view);
template Naming<double> keras_cell(MinimalGruCell<double>&);
template Naming<double> keras(Linear<double>&);
template Naming<double> keras(Embedding<double>&);
template Naming<double> keras(LayerNorm<double>&);
template Naming<double> keras(AnyLayer<double>&);
template Naming<double> keras(Stack<double>&);

}  // namespace tapeloop::nn
