#include <autograd/record/onnx_value.hpp>

namespace tapeloop {

OnnxValue::OnnxValue(detail::OnnxExpression expression)
    : expression_(std::make_shared<const detail::OnnxExpression>(std::move(expression))) {}

OnnxValue::OnnxValue(double number) : OnnxValue(detail::OnnxExpression{.constant = number}) {}

OnnxValue OnnxValue::integers(std::vector<std::int64_t> elements) {
    const Shape shape{elements.size()};
    return integers(std::move(elements), shape);
}

OnnxValue OnnxValue::integers(std::vector<std::int64_t> elements, const Shape& shape) {
    return OnnxValue(detail::OnnxExpression{.constant = std::move(elements), .shape = shape});
}

OnnxValue OnnxValue::extents(const Shape& shape) {
    std::vector<std::int64_t> elements;
    for (const std::size_t extent : shape) elements.push_back(static_cast<std::int64_t>(extent));
    return integers(std::move(elements));
}

OnnxValue OnnxValue::named(std::string name, const Shape& shape) {
    return OnnxValue(detail::OnnxExpression{.name = std::move(name), .shape = shape});
}

const Shape& OnnxValue::shape() const {
    static const Shape nothing;
    return expression_ == nullptr ? nothing : expression_->shape;
}

OnnxValue onnx_node(std::string_view op, std::vector<OnnxValue> inputs,
                    std::vector<OnnxAttribute> attributes) {
    return OnnxValue(detail::OnnxExpression{
        .op = std::string(op), .inputs = std::move(inputs), .attributes = std::move(attributes)});
}

}  // namespace tapeloop
