#include <fmt/format.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <nn/files/onnx/onnx_graph.hpp>

#include <limits>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

constexpr int opset = 17;
constexpr int ir_version = 8;

void set(onnx::AttributeProto& to, std::int64_t number) {
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(number);
}
void set(onnx::AttributeProto& to, double number) {
    to.set_type(onnx::AttributeProto::FLOAT);
    to.set_f(static_cast<float>(number));
}
void set(onnx::AttributeProto& to, const std::string& text) {
    to.set_type(onnx::AttributeProto::STRING);
    to.set_s(text);
}
void set(onnx::AttributeProto& to, const std::vector<std::int64_t>& numbers) {
    to.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t number : numbers) to.add_ints(number);
}
void set(onnx::AttributeProto& to, const std::vector<double>& numbers) {
    to.set_type(onnx::AttributeProto::FLOATS);
    for (const double number : numbers) to.add_floats(static_cast<float>(number));
}
void set(onnx::AttributeProto& to, const std::vector<std::string>& texts) {
    to.set_type(onnx::AttributeProto::STRINGS);
    for (const std::string& text : texts) to.add_strings(text);
}

void write(onnx::TensorProto& to, const OnnxTensor& from) {
    to.set_name(from.name);
    for (const std::int64_t extent : from.shape) to.add_dims(extent);
    std::visit(
        [&to]<class T>(const std::vector<T>& elements) {
            to.set_data_type(std::is_same_v<T, float> ? tapeloop::detail::onnx_float
                                                      : tapeloop::detail::onnx_int64);
            to.set_raw_data(elements.data(), elements.size() * sizeof(T));  // little-endian, as we are
        },
        from.elements);
}

void write(onnx::ValueInfoProto& to, const OnnxPort& from) {
    to.set_name(from.name);
    onnx::TypeProto::Tensor& type = *to.mutable_type()->mutable_tensor_type();
    type.set_elem_type(from.type);
    onnx::TensorShapeProto& shape = *type.mutable_shape();
    for (std::size_t axis = 0; axis < from.shape.size(); ++axis) {
        onnx::TensorShapeProto::Dimension& extent = *shape.add_dim();
        if (axis < from.open.size() && !from.open[axis].empty())
            extent.set_dim_param(from.open[axis]);
        else
            extent.set_dim_value(from.shape[axis]);
    }
}
/// In a body only the type is said: extents come with the values.
void write_type(onnx::ValueInfoProto& to, const OnnxPort& from) {
    to.set_name(from.name);
    to.mutable_type()->mutable_tensor_type()->set_elem_type(from.type);
}

void write(onnx::GraphProto& to, const OnnxGraph& from, std::string_view name, bool is_body);

void write(onnx::NodeProto& to, const OnnxNode& from) {
    to.set_op_type(from.op);
    for (const std::string& input : from.inputs) to.add_input(input);
    for (const std::string& output : from.outputs) to.add_output(output);
    if (!from.origin.empty()) to.set_doc_string(from.origin);
    for (const OnnxAttribute& attribute : from.attributes) {
        onnx::AttributeProto& own = *to.add_attribute();
        own.set_name(attribute.name);
        std::visit([&own](const auto& value) { set(own, value); }, attribute.value);
    }
    if (from.body == nullptr) return;
    onnx::AttributeProto& body = *to.add_attribute();
    body.set_name("body");
    body.set_type(onnx::AttributeProto::GRAPH);
    write(*body.mutable_g(), *from.body, "step", true);
}

void write(onnx::GraphProto& to, const OnnxGraph& from, std::string_view name, bool is_body) {
    to.set_name(std::string(name));
    for (const OnnxPort& port : from.inputs)
        is_body ? write_type(*to.add_input(), port) : write(*to.add_input(), port);
    for (const OnnxPort& port : from.outputs)
        is_body ? write_type(*to.add_output(), port) : write(*to.add_output(), port);
    for (const OnnxTensor& tensor : from.tensors) write(*to.add_initializer(), tensor);
    for (const OnnxNode& node : from.nodes) write(*to.add_node(), node);
}

}  // namespace

std::string onnx_bytes(const OnnxGraph& graph) {
    onnx::ModelProto model;
    model.set_ir_version(ir_version);
    model.set_producer_name("tapeloop");
    onnx::OperatorSetIdProto& operators = *model.add_opset_import();
    operators.set_domain("");
    operators.set_version(opset);
    write(*model.mutable_graph(), graph, "model", false);
    if (const std::size_t bytes = model.ByteSizeLong();
        bytes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        throw std::invalid_argument(
            fmt::format("save_onnx: the model takes {} bytes; one file of ONNX holds less than 2^31", bytes));
    try {
        onnx::checker::check_model(model);
    } catch (const std::exception& error) {
        throw std::invalid_argument(
            fmt::format("save_onnx: ONNX' checker refuses the model: {}", error.what()));
    }
    return model.SerializeAsString();
}

}  // namespace tapeloop::nn::detail
