#include <fmt/format.h>
#include <nn/files/naming/counterpart.hpp>
#include <nn/files/naming/pytorch.hpp>

#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view pytorch_name = "PyTorch";

/// A cell's arrays in a recurrent module of PyTorch, and what the module is, of which every layer must be
/// one.
template <class T>
struct Part {
    Naming<T> arrays;
    std::string module;
};

/// What all recurrent modules have: weights of rows, gate by gate, and the first bias.
template <class T>
void add_first(Naming<T>& arrays, Parameter<T>& U, Parameter<T>& W, Parameter<T>& b, Arrangement how,
               const std::string& suffix) {
    how.transposed = true;
    arrays.add("weight_ih" + suffix, U, how).add("weight_hh" + suffix, W, how);
    how.is_bias = true;
    arrays.add("bias_ih" + suffix, b, how);
}

/// The second bias, where the two are just added.
template <class T>
void add_second(Naming<T>& arrays, Parameter<T>& b, Arrangement how, const std::string& suffix) {
    how.is_bias = true;
    how.is_second = true;
    arrays.add("bias_hh" + suffix, b, how);
}

template <class T>
Part<T> part_of(ElmanCell<T>& cell, const std::string& suffix) {
    if (cell.activation == Activation::sigmoid)
        fail_without_counterpart("pytorch", "this ElmanCell",
                                 "torch.nn.RNN has the nonlinearities tanh and relu, and no sigmoid");
    Naming<T> arrays;
    add_first(arrays, cell.U, cell.W, cell.b, {}, suffix);
    add_second(arrays, cell.b, {}, suffix);
    return {arrays, fmt::format("RNN of {} units and {}", cell.b.shape()[0],
                                cell.activation == Activation::tanh ? "tanh" : "relu")};
}

/// An LSTM without options, of either class.
template <template <class> class C, class T>
Naming<T> pytorch_lstm_arrays(C<T>& cell, const std::string& suffix) {
    const auto names = cell.gate_names();
    const Arrangement how = gate_order(names, {"input", "forget", "candidate", "output"});
    Naming<T> arrays;
    add_first(arrays, cell.U, cell.W, cell.b, how, suffix);
    add_second(arrays, cell.b, how, suffix);
    return arrays;
}

template <class T>
Part<T> part_of(LstmCell<T>& cell, const std::string& suffix) {
    return {pytorch_lstm_arrays(cell, suffix), fmt::format("LSTM of {} units", cell.W.shape()[0])};
}

template <class T>
Part<T> part_of(LstmVariantCell<T>& cell, const std::string& suffix) {
    require_counterpart("pytorch", pytorch_name, cell.options, {.projection = true});
    Naming<T> arrays = pytorch_lstm_arrays(cell, suffix);
    const std::size_t units = cell.b.shape()[0] / cell.gate_names().size();
    if (cell.options.projection == 0) return {arrays, fmt::format("LSTM of {} units", units)};
    arrays.add("weight_hr" + suffix, cell.P, transposed);
    return {arrays, fmt::format("LSTM of {} units, {} of them projected", units, cell.options.projection)};
}

template <class T>
Part<T> part_of(GruCell<T>& cell, const std::string& suffix) {
    require_counterpart("pytorch", pytorch_name, "GruCell", cell.options, false);
    const auto names = cell.gate_names();
    const std::size_t H = cell.b_recurrent.shape()[0];
    Naming<T> arrays;
    add_first(arrays, cell.U, cell.W, cell.b, gate_order(names, {"reset", "update", "candidate"}), suffix);
    OutsideArray<T> second("bias_hh" + suffix, {3 * H}, true);
    second.put({cell.b, names, "reset"}, {.column = 0, .is_second = true});
    second.put({cell.b, names, "update"}, {.column = H, .is_second = true});
    second.put(cell.b_recurrent, {.column = 2 * H});
    arrays.add(std::move(second));
    return {arrays, fmt::format("GRU of {} units", H)};
}

template <class T>
Part<T> part_of(ResetBeforeGruCell<T>&, const std::string&) {
    fail_without_counterpart("pytorch", "ResetBeforeGruCell",
                             "the GRU of PyTorch applies its reset gate after the recurrent product");
}

template <class T>
Part<T> part_of(MinimalGruCell<T>&, const std::string&) {
    fail_without_counterpart("pytorch", "MinimalGruCell", "the GRU of PyTorch has a reset gate");
}

[[noreturn]] void fail_unlike(const std::string& one, const std::string& other) {
    throw std::invalid_argument(
        fmt::format("pytorch: the layers and directions of one module are alike, and these are not: {}; {}; "
                    "name them one by one",
                    one, other));
}

std::string suffix_of(std::size_t layer) { return fmt::format("_l{}", layer); }

template <class T>
void append(Naming<T>& all, const Naming<T>& more) {
    for (const OutsideArray<T>& array : more) all.add(array);
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Part<T> layer_part(C<T>& cell, std::size_t layer) {
    return part_of(cell, suffix_of(layer));
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Part<T> layer_part(Bidirectional<C<T>>& both, std::size_t layer) {
    if (both.how != Merge::concat)
        fail_without_counterpart("pytorch", "this Bidirectional",
                                 "PyTorch concatenates the outputs of the two directions");
    Part<T> part = part_of(both.forward, suffix_of(layer));
    const Part<T> back = part_of(both.backward, suffix_of(layer) + "_reverse");
    if (back.module != part.module) fail_unlike(part.module, back.module);
    append(part.arrays, back.arrays);
    part.module = "bidirectional " + part.module;
    return part;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Part<T> layer_part(Reversed<C<T>>&, std::size_t) {
    fail_without_counterpart("pytorch", "Reversed", "PyTorch has no layer that only reads backward");
}

}  // namespace

template <class T>
Naming<T> pytorch(ElmanCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}
template <class T>
Naming<T> pytorch(LstmCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}
template <class T>
Naming<T> pytorch(LstmVariantCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}
template <class T>
Naming<T> pytorch(GruCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}
template <class T>
Naming<T> pytorch(ResetBeforeGruCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}
template <class T>
Naming<T> pytorch(MinimalGruCell<T>& cell, std::size_t layer) {
    return layer_part(cell, layer).arrays;
}

template <class T>
Naming<T> pytorch(Linear<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.V, transposed).add("bias", layer.c, {.is_bias = true});
    return arrays;
}
template <class T>
Naming<T> pytorch(Embedding<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.table);
    return arrays;
}
template <class T>
Naming<T> pytorch(LayerNorm<T>& layer) {
    Naming<T> arrays;
    arrays.add("weight", layer.gamma).add("bias", layer.beta, {.is_bias = true});
    return arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> pytorch(Bidirectional<C<T>>& both, std::size_t layer) {
    return layer_part(both, layer).arrays;
}

template <template <class> class C, class T>
requires KnownCell<C<T>> Naming<T> pytorch_cell(C<T>& cell) { return part_of(cell, "").arrays; }

template <class T>
Naming<T> pytorch(AnyLayer<T>& held, std::size_t layer) {
    Naming<T> arrays;
    const bool is_known = visit_known(held, [&](auto& known) {
        if constexpr (requires { layer_part(known, layer); })
            arrays = layer_part(known, layer).arrays;
        else if constexpr (requires { pytorch(known); })
            arrays = pytorch(known);
    });
    if (!is_known) fail_unknown_layer("pytorch", pytorch_name);
    return arrays;
}

template <class T>
Naming<T> pytorch(Stack<T>& stack) {
    Naming<T> arrays;
    std::string module;
    std::size_t number = 0;
    const auto add = [&](const Part<T>& part) {
        if (number != 0 && part.module != module) fail_unlike(module, part.module);
        append(arrays, part.arrays);
        module = part.module;
        ++number;
    };
    for (std::size_t k = 0; k < stack.size(); ++k) {
        const bool is_known = visit_known(stack.layer(k), [&](auto& known) {
            if constexpr (requires { layer_part(known, number); })
                add(layer_part(known, number));
            else if constexpr (requires { pytorch(known); })
                throw std::invalid_argument(
                    fmt::format("pytorch: `{}` is no layer of a recurrent module; name the layers of the "
                                "stack one by one",
                                stack.name(k)));
        });
        if (!is_known) fail_unknown_layer("pytorch", pytorch_name);
    }
    return arrays;
}

template Naming<float> pytorch(ElmanCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<ElmanCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(ElmanCell<float>&);
template Naming<float> pytorch(LstmCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<LstmCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(LstmCell<float>&);
template Naming<float> pytorch(LstmVariantCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<LstmVariantCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(LstmVariantCell<float>&);
template Naming<float> pytorch(GruCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<GruCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(GruCell<float>&);
template Naming<float> pytorch(ResetBeforeGruCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<ResetBeforeGruCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(ResetBeforeGruCell<float>&);
template Naming<float> pytorch(MinimalGruCell<float>&, std::size_t);
template Naming<float> pytorch(Bidirectional<MinimalGruCell<float>>&, std::size_t);
template Naming<float> pytorch_cell(MinimalGruCell<float>&);
template Naming<float> pytorch(Linear<float>&);
template Naming<float> pytorch(Embedding<float>&);
template Naming<float> pytorch(LayerNorm<float>&);
template Naming<float> pytorch(Stack<float>&);
template Naming<float> pytorch(AnyLayer<float>&, std::size_t);
template Naming<double> pytorch(ElmanCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<ElmanCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(ElmanCell<double>&);
template Naming<double> pytorch(LstmCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<LstmCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(LstmCell<double>&);
template Naming<double> pytorch(LstmVariantCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<LstmVariantCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(LstmVariantCell<double>&);
template Naming<double> pytorch(GruCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<GruCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(GruCell<double>&);
template Naming<double> pytorch(ResetBeforeGruCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<ResetBeforeGruCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(ResetBeforeGruCell<double>&);
template Naming<double> pytorch(MinimalGruCell<double>&, std::size_t);
template Naming<double> pytorch(Bidirectional<MinimalGruCell<double>>&, std::size_t);
template Naming<double> pytorch_cell(MinimalGruCell<double>&);
template Naming<double> pytorch(Linear<double>&);
template Naming<double> pytorch(Embedding<double>&);
template Naming<double> pytorch(LayerNorm<double>&);
template Naming<double> pytorch(Stack<double>&);
template Naming<double> pytorch(AnyLayer<double>&, std::size_t);

}  // namespace tapeloop::nn
