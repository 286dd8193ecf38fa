#pragma once

#include <nn/files/naming/known_layers.hpp>
#include <nn/files/onnx/onnx_attention.hpp>
#include <nn/files/onnx/onnx_recurrent.hpp>
#include <nn/files/onnx/onnx_trace.hpp>
#include <nn/wrappers/residual.hpp>

/// Layers as parts of a model in ONNX: one function that takes any of them, by what it is.
namespace tapeloop::nn::detail {

template <class L>
inline constexpr bool is_stack = false;
template <class T>
inline constexpr bool is_stack<Stack<T>> = true;
template <class L>
inline constexpr bool is_bidirectional = false;
template <class F, class B>
inline constexpr bool is_bidirectional<Bidirectional<F, B>> = true;
template <class L>
inline constexpr bool is_reversed = false;
template <class C>
inline constexpr bool is_reversed<Reversed<C>> = true;
template <class L>
inline constexpr bool is_residual = false;
template <class C>
inline constexpr bool is_residual<Residual<C>> = true;
template <class L>
inline constexpr bool is_any_layer = false;
template <class T>
inline constexpr bool is_any_layer<AnyLayer<T>> = true;

/// Throws `std::invalid_argument`: a layer held by an `AnyLayer` reads whole sequences in its own way.
[[noreturn]] void fail_own_unroll(std::string_view name);
/// The outputs of two directions made one.
OnnxValue onnx_merged(OnnxBuilder& builder, Merge how, const OnnxValue& forward, const OnnxValue& backward);
/// The sum of a layer's inputs and outputs.
OnnxValue onnx_sum(OnnxBuilder& builder, const OnnxValue& a, const OnnxValue& b);

/// The one step of a cell, recorded.
template <class T, class C>
OnnxValue append_scan(OnnxBuilder& builder, const C& cell, const OnnxValue& x, bool reverse) {
    Tape<T> tape({.fuse = false});
    const Evaluation nothing_is_drawn;
    OnnxScan<T> scan(builder, tape, x, reverse);
    const PreparedOf<C> prepared = prepare(cell);
    const ProjectedOf<C> projected = project(cell, scan.sequence(), prepared);
    const StateOf<C> initial = cell.initial_state(scan.batch());
    scan.open(listed<T>(projected), listed<T>(initial), listed<T>(prepared));
    const LabelScope<T> label("step");
    const auto [output, next] =
        step(cell, structured(scan.inputs(), projected), structured(scan.states(), initial), prepared);
    return scan.close(output, listed<T>(next));
}

/// A function of the whole sequence, recorded.
template <class T, class F>
OnnxValue append_function(OnnxBuilder& builder, const F& function, const OnnxValue& x) {
    Tape<T> tape({.fuse = false});
    const Evaluation nothing_is_drawn;
    OnnxTrace<T> trace(builder, tape);
    const Var<T> sequence = onnx_sample_input<T>(builder, x.shape());
    trace.bind(sequence, x);
    const Var<T> outputs = function(sequence);
    const OnnxValue value = trace.values({outputs}).front();
    return OnnxValue::named(builder.emit(value), outputs.shape());
}

template <class T, class L>
OnnxValue append_layer(OnnxBuilder& builder, L& layer, const OnnxValue& x, bool reverse);

/// A layer whose type is known when the program runs.
template <class T>
OnnxValue append_any(OnnxBuilder& builder, AnyLayer<T>& layer, const OnnxValue& x, bool reverse,
                     std::string_view name) {
    OnnxValue result;
    const auto append = [&](auto& held) { result = append_layer<T>(builder, held, x, reverse); };
    if (visit_known(layer, append) || visit_as<Stack<T>>(layer, append)) return result;
    if (!layer.is_cell()) fail_own_unroll(name);
    const bool has_state = [&] {
        const Tape<T> scratch;
        const Evaluation nothing_is_drawn;
        return !layer.initial_state(1).empty();
    }();
    if (has_state) return append_scan<T>(builder, layer, x, reverse);
    return append_function<T>(
        builder, [&layer](const Var<T>& sequence) { return layer.step(sequence, {}).first; }, x);
}

template <class T, class F, class B>
OnnxValue append_directions(OnnxBuilder& builder, Bidirectional<F, B>& both, const OnnxValue& x,
                            bool reverse) {
    if constexpr (OnnxCell<F> && std::same_as<F, B>) {
        const OnnxRecurrent ahead = onnx_recurrent(both.forward);
        const OnnxRecurrent back = onnx_recurrent(both.backward);
        if (both.how == Merge::concat && !reverse && ahead.hidden_size == back.hidden_size)
            return append_recurrent(builder, {ahead, back}, x, false);
    }
    const OnnxValue forward = append_layer<T>(builder, both.forward, x, reverse);
    const OnnxValue backward = append_layer<T>(builder, both.backward, x, !reverse);
    return onnx_merged(builder, both.how, forward, backward);
}

/// Adds a layer that reads x, and returns its outputs.
template <class T, class L>
OnnxValue append_layer(OnnxBuilder& builder, L& layer, const OnnxValue& x, bool reverse) {
    if constexpr (std::same_as<L, Dropout>) {
        return x;
    } else if constexpr (is_stack<L>) {
        OnnxValue value = x;
        for (std::size_t k = 0; k < layer.size(); ++k)
            value = append_any<T>(builder, layer.layer(k), value, reverse, layer.name(k));
        return value;
    } else if constexpr (is_any_layer<L>) {
        return append_any<T>(builder, layer, x, reverse, "the layer");
    } else if constexpr (is_bidirectional<L>) {
        return append_directions<T>(builder, layer, x, reverse);
    } else if constexpr (is_reversed<L>) {
        return append_layer<T>(builder, layer.inner, x, !reverse);
    } else if constexpr (OnnxCell<L>) {
        return append_recurrent(builder, {onnx_recurrent(layer)}, x, reverse);
    } else if constexpr (is_residual<L>) {
        return onnx_sum(builder, x, append_layer<T>(builder, layer.inner, x, reverse));
    } else if constexpr (is_attention<L>) {
        return append_attention<T>(builder, layer, x, reverse);
    } else if constexpr (Cell<L>) {
        return append_scan<T>(builder, layer, x, reverse);
    } else {
        static_assert(FeedForward<L, T>,
                      "save_onnx: a layer is one of the library's, a cell, or a function of a Var<T>");
        return append_function<T>(builder, layer, x);
    }
}

/// The shape of what a layer reads in one time step, as far as its weights tell; none if they do not.
template <class T, class L>
std::optional<Shape> row_of(L& layer) {
    std::optional<Shape> row;
    if constexpr (is_any_layer<L>) {
        const auto find = [&](auto& held) { row = row_of<T>(held); };
        static_cast<void>(visit_known(layer, find) || visit_as<Stack<T>>(layer, find));
    } else if constexpr (is_stack<L>) {
        if (layer.size() != 0) row = row_of<T>(layer.layer(0));
    } else if constexpr (is_bidirectional<L>) {
        row = row_of<T>(layer.forward);
    } else if constexpr (requires { layer.inner; }) {
        row = row_of<T>(layer.inner);
    } else if constexpr (is_attention<L>) {
        // The inner cell reads the context besides.
        row = row_of<T>(layer.cell);
        if (row.has_value()) row = row->with(0, (*row)[0] - layer.source_size);
    } else if constexpr (requires { layer.U.shape(); }) {
        if (layer.U.shape().rank() > 0) row = Shape{layer.U.shape()[0]};
    } else if constexpr (requires { layer.V.shape(); }) {
        row = Shape{layer.V.shape()[0]};
    } else if constexpr (requires { layer.gamma.shape(); }) {
        row = layer.gamma.shape();
    } else if constexpr (requires { layer.D.shape(); }) {
        row = layer.D.shape();  // what goes around the states
    }
    return row;
}

}  // namespace tapeloop::nn::detail
