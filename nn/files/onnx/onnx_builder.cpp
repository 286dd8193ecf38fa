#include <fmt/format.h>
#include <nn/files/onnx/onnx_builder.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {

using tapeloop::detail::onnx_bool;
using tapeloop::detail::onnx_float;
using tapeloop::detail::onnx_int64;
using tapeloop::detail::OnnxExpression;

namespace {

constexpr int onnx_int32 = 6;

std::vector<std::int64_t> as_integers(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

OnnxBuilder::OnnxBuilder(const OnnxOptions& options, OnnxExtents extents)
    : options_(options), extents_(extents), graphs_{std::make_shared<OnnxGraph>()} {}

std::string OnnxBuilder::fresh(std::string_view like) {
    std::size_t& count = counts_.try_emplace(std::string(like), 0).first->second;
    return count++ == 0 ? std::string(like) : fresh(fmt::format("{}.{}", like, count));
}

Shape OnnxBuilder::sequence_of(const Shape& row) const {
    Shape shape{static_cast<std::size_t>(extents_.time), static_cast<std::size_t>(extents_.batch)};
    for (const std::size_t extent : row) shape.append(extent);
    return shape;
}

OnnxValue OnnxBuilder::exchanged(const OnnxValue& value, std::size_t rank) const {
    if (!options_.batch_first) return value;
    std::vector<std::int64_t> axes{1, 0};
    for (std::size_t axis = 2; axis < rank; ++axis) axes.push_back(static_cast<std::int64_t>(axis));
    return onnx_node("Transpose", {value}, {{"perm", axes}});
}

Shape OnnxBuilder::given_as(const Shape& shape) const {
    return options_.batch_first ? shape.with(0, shape[1]).with(1, shape[0]) : shape;
}

void OnnxBuilder::begin_with(const Shape& shape, int type) {
    const Shape given = given_as(shape);
    whole().inputs.push_back({fresh("input"), type, as_integers(given)});
    value_ = emitted(exchanged(OnnxValue::named("input", given), shape.rank()), shape);
    if (!options_.lengths) return;
    whole().inputs.push_back({fresh("lengths"), onnx_int32, {extents_.batch}});
    lengths_ = OnnxValue::named("lengths", {static_cast<std::size_t>(extents_.batch)});
}

void OnnxBuilder::begin(const Shape& row) { begin_with(sequence_of(row), onnx_float); }
void OnnxBuilder::begin_tokens() { begin_with(sequence_of({}), onnx_int64); }

void OnnxBuilder::set_value(OnnxValue value, bool is_zero_behind_end) {
    value_ = std::move(value);
    is_zero_behind_end_ = is_zero_behind_end;
}

OnnxValue OnnxBuilder::mask_of(const OnnxValue& lengths, std::int64_t time) {
    // A number without axes cannot be made of extents.
    const OnnxValue count = onnx_node("Squeeze", {OnnxValue::integers({time}), OnnxValue::integers({0})});
    const OnnxValue numbers =
        onnx_node("Range", {OnnxValue::integers({0}, {}), count, OnnxValue::integers({1}, {})});
    const OnnxValue ends = onnx_node("Cast", {lengths}, {{"to", onnx_int64}});
    return emitted(onnx_node("Less", {onnx_node("Unsqueeze", {numbers, OnnxValue::integers({1})}),
                                      onnx_node("Unsqueeze", {ends, OnnxValue::integers({0})})}),
                   {static_cast<std::size_t>(time), static_cast<std::size_t>(extents_.batch)});
}

OnnxValue OnnxBuilder::mask() {
    if (!mask_) mask_ = mask_of(lengths_, extents_.time);
    return mask_;
}

OnnxValue OnnxBuilder::source(std::size_t width) {
    const Shape shape{static_cast<std::size_t>(extents_.source), static_cast<std::size_t>(extents_.batch),
                      width};
    const std::string name = fresh("source");
    whole().inputs.push_back({name, onnx_float, as_integers(given_as(shape))});
    const OnnxValue given = exchanged(OnnxValue::named(name, given_as(shape)), shape.rank());
    if (!options_.source_lengths) return emitted(given, shape);
    if (!source_mask_) {
        const std::string lengths = fresh("source_lengths");
        whole().inputs.push_back({lengths, onnx_int32, {extents_.batch}});
        source_mask_ = mask_of(OnnxValue::named(lengths, {shape[1]}), extents_.source);
    }
    const OnnxValue counts = onnx_node("Unsqueeze", {source_mask_, OnnxValue::integers({2})});
    return emitted(onnx_node("Where", {counts, given, 0.0}), shape);
}

OnnxSample OnnxBuilder::finish() const {
    OnnxBuilder own = *this;
    own.graphs_ = {std::make_shared<OnnxGraph>(*graphs_.front())};
    return own.finished();
}

OnnxSample OnnxBuilder::finished() {
    OnnxValue result = value_;
    const Shape shape = value_.shape();
    if (options_.lengths && !is_zero_behind_end_) {
        std::vector<std::int64_t> axes;
        for (std::size_t axis = 2; axis < shape.rank(); ++axis)
            axes.push_back(static_cast<std::int64_t>(axis));
        const OnnxValue counts =
            axes.empty() ? mask() : onnx_node("Unsqueeze", {mask(), OnnxValue::integers(axes)});
        result = onnx_node("Where", {counts, result, 0.0});
    }
    add_output("output", exchanged(result, shape.rank()), given_as(shape));
    whole().outputs.insert(whole().outputs.end(), state_ports_.begin(), state_ports_.end());
    return {extents_, std::move(whole())};
}

void OnnxBuilder::add_output(const std::string& name, const OnnxValue& value, const Shape& shape) {
    add({"Identity", {emit(value)}, {fresh(name)}});
    whole().outputs.push_back({name, onnx_float, as_integers(shape)});
}

void OnnxBuilder::add(OnnxNode node) {
    node.origin = origin_;
    innermost().nodes.push_back(std::move(node));
}

std::string OnnxBuilder::emit(const OnnxValue& value) {
    if (!value) return {};
    const OnnxExpression& expression = *value.expression();
    if (!expression.name.empty()) return expression.name;
    if (const auto found = names_.find(&expression); found != names_.end()) return found->second.second;
    std::string name;
    if (expression.op.empty()) {
        name = fresh("constant");
        if (const auto* number = std::get_if<double>(&expression.constant))
            whole().tensors.push_back({name, {}, std::vector<float>{static_cast<float>(*number)}});
        else
            whole().tensors.push_back({name, as_integers(expression.shape),
                                       std::get<std::vector<std::int64_t>>(expression.constant)});
    } else {
        OnnxNode node{expression.op, {}, {}, expression.attributes};
        for (const OnnxValue& input : expression.inputs) node.inputs.push_back(emit(input));
        name = fresh(expression.op);
        node.outputs.push_back(name);
        add(std::move(node));
    }
    names_.emplace(&expression, std::pair{value, name});
    return name;
}

OnnxValue OnnxBuilder::emitted(const OnnxValue& value, const Shape& shape) {
    return OnnxValue::named(emit(value), shape);
}

OnnxValue OnnxBuilder::tensor(std::string_view name, const Shape& shape, std::vector<float> elements) {
    whole().tensors.push_back({fresh(name), as_integers(shape), std::move(elements)});
    return OnnxValue::named(whole().tensors.back().name, shape);
}

std::optional<OnnxValue> OnnxBuilder::known(const void* address) const {
    const auto found = known_.find(address);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
}

OnnxValue OnnxBuilder::initial_state(const OnnxValue& usual, const Shape& shape) {
    if (!options_.states) return usual;
    std::string name = fresh(fmt::format("state{}", states_++));
    whole().inputs.push_back({name, onnx_float, as_integers(shape)});
    return OnnxValue::named(std::move(name), shape);
}

void OnnxBuilder::final_state(const OnnxValue& value, const Shape& shape) {
    if (!options_.states) return;
    const std::string name = fmt::format("final_state{}", final_states_++);
    add({"Identity", {emit(value)}, {fresh(name)}});
    state_ports_.push_back({name, onnx_float, as_integers(shape)});
}

void OnnxBuilder::open_body() { graphs_.push_back(std::make_shared<OnnxGraph>()); }

std::shared_ptr<OnnxGraph> OnnxBuilder::close_body() {
    std::shared_ptr<OnnxGraph> body = graphs_.back();
    graphs_.pop_back();
    return body;
}

}  // namespace tapeloop::nn::detail
