#include <fmt/format.h>
#include <nn/files/onnx/onnx_trace.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

template <class T>
Var<T> onnx_sample_input(const OnnxBuilder& builder, const Shape& shape) {
    Generator generator(static_cast<std::uint64_t>(builder.extents().time * 1000 + builder.extents().batch));
    return input(uniform<T>(shape, -1, 1, generator));
}

template <class T>
OnnxValue onnx_parameter(OnnxBuilder& builder, const typename Parameter<T>::Storage& parameter) {
    if (const auto known = builder.known(&parameter)) return *known;
    const std::string_view name = parameter.name.empty() ? "parameter" : std::string_view(parameter.name);
    OnnxValue value =
        builder.tensor(name, parameter.shape, as_floats(parameter.value.data(), parameter.shape.size()));
    builder.set_known(&parameter, value);
    return value;
}

template <class T>
std::vector<OnnxValue> OnnxTrace<T>::values(const std::vector<Var<T>>& vars) {
    std::vector<bool> is_needed(tape_.size(), false);
    for (const Var<T>& var : vars) is_needed[var.index()] = true;
    for (std::size_t node = tape_.size(); node-- > 0;) {
        const auto index = static_cast<NodeIndex>(node);
        if (!is_needed[node] || values_.contains(index)) continue;
        for (const NodeIndex input : tape_.inputs(index)) is_needed[input] = true;
        if (const auto source = tape_.detached_from(index)) is_needed[*source] = true;
    }
    for (std::size_t node = 0; node < is_needed.size(); ++node) {
        const auto index = static_cast<NodeIndex>(node);
        const std::uint32_t results = tape_.node(index).results;
        const bool is_maker = results != 0 && results != result_mark;  // its results are its values
        if (is_needed[node] && !is_maker && !values_.contains(index)) values_.emplace(index, value_of(index));
    }
    std::vector<OnnxValue> list;
    for (const Var<T>& var : vars) list.push_back(values_.at(var.index()));
    return list;
}

template <class T>
OnnxValue OnnxTrace<T>::value_of(NodeIndex index) {
    const Node<T>& node = tape_.node(index);
    if (const auto parameter = tape_.parameter(index)) return onnx_parameter<T>(builder_, *parameter);
    if (const auto source = tape_.detached_from(index)) return values_.at(*source);
    builder_.set_origin(tape_.describe(index));
    if (node.input_count != 0) return value_of_operation(index);
    const std::string name = tape_.name(index);
    return builder_.tensor(name.empty() ? "constant" : std::string_view(name), node.shape,
                           as_floats(node.data, node.shape.size()));
}

template <class T>
OnnxValue OnnxTrace<T>::value_of_operation(NodeIndex index) {
    const bool is_result = tape_.node(index).results == result_mark;
    const NodeIndex maker = is_result ? tape_.inputs(index)[0] : index;
    std::vector<OnnxValue> inputs;
    for (const NodeIndex input : tape_.inputs(maker)) inputs.push_back(values_.at(input));
    const OnnxValue value =
        tape_.node(maker).operation->onnx(inputs, is_result ? index - maker - 1 : std::size_t{0});
    if (!value)
        throw std::invalid_argument(fmt::format(
            "save_onnx: {} has no counterpart in ONNX; an operation says its own in `onnx`, beside its "
            "value, and one made by `custom` in `.onnx(...)` (autograd/record/onnx_value.hpp)",
            tape_.describe(maker)));
    return builder_.emitted(value, tape_.node(index).shape);
}

template <class T>
OnnxScan<T>::OnnxScan(OnnxBuilder& builder, Tape<T>& tape, const OnnxValue& sequence, bool reverse)
    : builder_(builder),
      tape_(tape),
      value_(sequence),
      reverse_(reverse),
      sequence_(onnx_sample_input<T>(builder, sequence.shape())),
      outside_(builder, tape),
      inside_(builder, tape) {
    outside_.bind(sequence_, sequence);
}

template <class T>
Var<T> OnnxScan<T>::body_input(std::string_view name, const Shape& shape) {
    const Var<T> var = onnx_sample_input<T>(builder_, shape);
    std::string own = builder_.fresh(name);
    builder_.innermost().inputs.push_back({own});
    inside_.bind(var, OnnxValue::named(std::move(own), shape));
    return var;
}

template <class T>
Var<T> OnnxScan<T>::source(std::size_t width) {
    const OnnxValue given = builder_.source(width);
    const Var<T> var = onnx_sample_input<T>(builder_, given.shape());
    outside_.bind(var, given);
    return var;
}

template <class T>
void OnnxScan<T>::mask_source(const Var<T>& open) {
    if (!builder_.source_mask()) return;
    const OnnxValue by_row =
        onnx_node("Transpose", {builder_.source_mask()}, {{"perm", std::vector<std::int64_t>{1, 0}}});
    const OnnxValue value = onnx_number(onnx_node("Unsqueeze", {by_row, OnnxValue::integers({1})}));
    outside_.bind(open, builder_.emitted(value, open.shape()));
}

template <class T>
void OnnxScan<T>::open(const std::vector<Var<T>>& projected, const std::vector<Var<T>>& initial,
                       const std::vector<Var<T>>& prepared) {
    const std::vector<OnnxValue> made = outside_.values(prepared);
    for (std::size_t k = 0; k < made.size(); ++k) inside_.bind(prepared[k], made[k]);
    scanned_ = outside_.values(projected);
    initial_ = outside_.values(initial);
    for (std::size_t k = 0; k < initial.size(); ++k) {
        const Shape& shape = initial[k].shape();
        if (shape.size() == 0)
            throw std::invalid_argument(fmt::format(
                "save_onnx: part {} of a cell's initial state is {}; a state that only its user can give "
                "is not exported. An AttentionCell is, whose source is an input then, where it is added to "
                "an `OnnxModel` as it is, not within a Stack or an AnyLayer",
                k, shape.text()));
        initial_[k] = builder_.initial_state(initial_[k], shape);
    }
    if (builder_.lengths()) counted_ = builder_.mask();
    builder_.open_body();
    for (const Var<T>& part : initial) states_.push_back(body_input("before", part.shape()));
    for (const Var<T>& part : projected) {
        Shape row;
        for (std::size_t axis = 1; axis < part.shape().rank(); ++axis) row.append(part.shape()[axis]);
        inputs_.push_back(body_input("step", row));
    }
    body_states_ = inside_.values(states_);
    if (!counted_) return;
    scanned_.push_back(counted_);
    const std::string name = builder_.fresh("counts");
    builder_.innermost().inputs.push_back({name, onnx_bool});
    counted_ = OnnxValue::named(name, {batch()});
}

template <class T>
OnnxValue OnnxScan<T>::counts(const Shape& shape) const {
    std::vector<std::int64_t> axes;
    for (std::size_t axis = 1; axis < shape.rank(); ++axis) axes.push_back(static_cast<std::int64_t>(axis));
    return axes.empty() ? counted_ : onnx_node("Unsqueeze", {counted_, OnnxValue::integers(axes)});
}

template <class T>
OnnxValue OnnxScan<T>::close(const Var<T>& output, const std::vector<Var<T>>& next) {
    std::vector<Var<T>> results = next;
    results.push_back(output);
    const std::vector<OnnxValue> values = inside_.values(results);
    OnnxNode scan{"Scan", {}, {}};
    std::vector<std::string> finals;
    for (std::size_t k = 0; k < values.size(); ++k) {
        const bool is_output = k == next.size();
        const Shape shape = results[k].shape();
        OnnxValue value = values[k];
        // A row that has ended keeps its state, and its output is 0. What has no rows is the same for all.
        if (counted_ && shape.rank() > 0 && shape[0] == batch())
            value = onnx_node("Where", {counts(shape), value, is_output ? OnnxValue(0.0) : body_states_[k]});
        // A name of its own: one value may be an output and a state, or an input that is handed on.
        std::string own = builder_.fresh(is_output ? "row" : "after");
        const std::string from = builder_.emit(value);
        builder_.add({"Identity", {from}, {own}});
        builder_.innermost().outputs.push_back({std::move(own)});
        scan.outputs.push_back(builder_.fresh(is_output ? "outputs" : "final"));
    }
    scan.body = builder_.close_body();
    for (const OnnxValue& state : initial_) scan.inputs.push_back(builder_.emit(state));
    for (const OnnxValue& part : scanned_) scan.inputs.push_back(builder_.emit(part));
    scan.attributes = {{"num_scan_inputs", static_cast<int>(scanned_.size())}};
    if (reverse_) {
        scan.attributes.emplace_back("scan_input_directions", std::vector<std::int64_t>(scanned_.size(), 1));
        scan.attributes.emplace_back("scan_output_directions", std::vector<std::int64_t>{1});
    }
    const std::vector<std::string> names = scan.outputs;
    builder_.add(std::move(scan));
    for (std::size_t k = 0; k < next.size(); ++k)
        builder_.final_state(OnnxValue::named(names[k], next[k].shape()), next[k].shape());
    Shape whole{value_.shape()[0]};
    for (const std::size_t extent : output.shape()) whole.append(extent);
    return OnnxValue::named(names.back(), whole);
}

TAPELOOP_ONNX_TRACE(, float)
TAPELOOP_ONNX_TRACE(, double)

}  // namespace tapeloop::nn::detail
