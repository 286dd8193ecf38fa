#include <nn/files/naming/flax.hpp>
#include <nn/files/naming/layer_by_layer.hpp>

#include <utility>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view flax_name = "Flax";
constexpr Arrangement plain_bias{.is_bias = true};

/// Our gates by the letters that Flax has for them.
using Letters = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// A gate's kernels, such as `ii.kernel` and `hi.kernel`, of packed parameters.
template <class T>
void add_kernels(Naming<T>& arrays, Parameter<T>& U, Parameter<T>& W, std::span<const std::string_view> names,
                 Letters letters) {
    for (const auto& [gate, letter] : letters) {
        arrays.add("i" + std::string(letter) + ".kernel", {U, names, gate});
        arrays.add("h" + std::string(letter) + ".kernel", {W, names, gate});
    }
}

/// The gates' biases, beside the kernels of the inputs (`i`) or of the state (`h`).
template <class T>
void add_biases(Naming<T>& arrays, Parameter<T>& b, std::span<const std::string_view> names, Letters letters,
                const std::string& beside) {
    for (const auto& [gate, letter] : letters)
        arrays.add(beside + std::string(letter) + ".bias", {b, names, gate}, plain_bias);
}

template <class C, class T>
void flax_lstm_arrays(Naming<T>& arrays, C& cell) {
    const auto names = cell.gate_names();
    const Letters letters{{"input", "i"}, {"forget", "f"}, {"candidate", "g"}, {"output", "o"}};
    add_kernels(arrays, cell.U, cell.W, names, letters);
    add_biases(arrays, cell.b, names, letters, "h");
}

}  // namespace

template <class T>
Naming<T> flax(ElmanCell<T>& cell) {
    Naming<T> arrays;
    arrays.add("i.kernel", cell.U).add("i.bias", cell.b, plain_bias).add("h.kernel", cell.W);
    return arrays;
}

template <class T>
Naming<T> flax(LstmCell<T>& cell) {
    Naming<T> arrays;
    flax_lstm_arrays(arrays, cell);
    return arrays;
}

template <class T>
Naming<T> flax(LstmVariantCell<T>& cell) {
    require_counterpart("flax", flax_name, cell.options, {});
    Naming<T> arrays;
    flax_lstm_arrays(arrays, cell);
    return arrays;
}

template <class T>
Naming<T> flax(GruCell<T>& cell) {
    require_counterpart("flax", flax_name, "GruCell", cell.options, false);
    const auto names = cell.gate_names();
    const Letters letters{{"reset", "r"}, {"update", "z"}, {"candidate", "n"}};
    Naming<T> arrays;
    add_kernels(arrays, cell.U, cell.W, names, letters);
    add_biases(arrays, cell.b, names, letters, "i");
    arrays.add("hn.bias", cell.b_recurrent, plain_bias);
    return arrays;
}

template <class T>
Naming<T> flax(ResetBeforeGruCell<T>&) {
    fail_without_counterpart("flax", "ResetBeforeGruCell",
                             "the GRU of Flax applies its reset gate after the recurrent product");
}

template <class T>
Naming<T> flax(MinimalGruCell<T>& cell) {
    require_counterpart("flax", flax_name, "MinimalGruCell", cell.options, false);
    const auto names = cell.gate_names();
    const Letters letters{{"update", "f"}, {"candidate", "n"}};
    Naming<T> arrays;
    add_kernels(arrays, cell.U, cell.W, names, letters);
    add_biases(arrays, cell.b, names, letters, "i");
    return arrays;
}

template <class T>
Naming<T> flax(Linear<T>& layer) {
    Naming<T> arrays;
    arrays.add("kernel", layer.V).add("bias", layer.c, plain_bias);
    return arrays;
}
template <class T>
Naming<T> flax(Embedding<T>& layer) {
    Naming<T> arrays;
    arrays.add("embedding", layer.table);
    return arrays;
}
template <class T>
Naming<T> flax(LayerNorm<T>& layer) {
    Naming<T> arrays;
    arrays.add("scale", layer.gamma).add("bias", layer.beta, plain_bias);
    return arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> flax(Reversed<C<T>>& cell) { return flax(cell.inner); }

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> flax(Bidirectional<C<T>>& both) {
    Naming<T> arrays;
    arrays.add("forward_rnn.cell", flax(both.forward)).add("backward_rnn.cell", flax(both.backward));
    return arrays;
}

template <class T>
Naming<T> flax(AnyLayer<T>& held) {
    return naming_of_held("flax", flax_name, held,
                          [](auto& known) -> decltype(flax(known)) { return flax(known); });
}
template <class T>
Naming<T> flax(Stack<T>& stack) {
    return naming_of_layers(stack, [](AnyLayer<T>& layer) { return flax(layer); });
}

template Naming<float> flax(ElmanCell<float>&);
template Naming<float> flax(Reversed<ElmanCell<float>>&);
template Naming<float> flax(Bidirectional<ElmanCell<float>>&);
template Naming<float> flax(LstmCell<float>&);
template Naming<float> flax(Reversed<LstmCell<float>>&);
template Naming<float> flax(Bidirectional<LstmCell<float>>&);
template Naming<float> flax(LstmVariantCell<float>&);
template Naming<float> flax(Reversed<LstmVariantCell<float>>&);
template Naming<float> flax(Bidirectional<LstmVariantCell<float>>&);
template Naming<float> flax(GruCell<float>&);
template Naming<float> flax(Reversed<GruCell<float>>&);
template Naming<float> flax(Bidirectional<GruCell<float>>&);
template Naming<float> flax(ResetBeforeGruCell<float>&);
template Naming<float> flax(Reversed<ResetBeforeGruCell<float>>&);
template Naming<float> flax(Bidirectional<ResetBeforeGruCell<float>>&);
template Naming<float> flax(MinimalGruCell<float>&);
template Naming<float> flax(Reversed<MinimalGruCell<float>>&);
template Naming<float> flax(Bidirectional<MinimalGruCell<float>>&);
template Naming<float> flax(Linear<float>&);
template Naming<float> flax(Embedding<float>&);
template Naming<float> flax(LayerNorm<float>&);
template Naming<float> flax(AnyLayer<float>&);
template Naming<float> flax(Stack<float>&);
template Naming<double> flax(ElmanCell<double>&);
template Naming<double> flax(Reversed<ElmanCell<double>>&);
template Naming<double> flax(Bidirectional<ElmanCell<double>>&);
template Naming<double> flax(LstmCell<double>&);
template Naming<double> flax(Reversed<LstmCell<double>>&);
template Naming<double> flax(Bidirectional<LstmCell<double>>&);
template Naming<double> flax(LstmVariantCell<double>&);
template Naming<double> flax(Reversed<LstmVariantCell<double>>&);
template Naming<double> flax(Bidirectional<LstmVariantCell<double>>&);
template Naming<double> flax(GruCell<double>&);
template Naming<double> flax(Reversed<GruCell<double>>&);
template Naming<double> flax(Bidirectional<GruCell<double>>&);
template Naming<double> flax(ResetBeforeGruCell<double>&);
template Naming<double> flax(Reversed<ResetBeforeGruCell<double>>&);
template Naming<double> flax(Bidirectional<ResetBeforeGruCell<double>>&);
template Naming<double> flax(MinimalGruCell<double>&);
template Naming<double> flax(Reversed<MinimalGruCell<double>>&);
template Naming<double> flax(Bidirectional<MinimalGruCell<double>>&);
template Naming<double> flax(Linear<double>&);
template Naming<double> flax(Embedding<double>&);
template Naming<double> flax(LayerNorm<double>&);
template Naming<double> flax(AnyLayer<double>&);
template Naming<double> flax(Stack<double>&);

}  // namespace tapeloop::nn
