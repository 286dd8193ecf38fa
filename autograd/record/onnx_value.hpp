#pragma once

#include <autograd/shape.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tapeloop {

namespace detail {

struct OnnxExpression;

}  // namespace detail

/// An attribute of an ONNX operator, such as `{"axis", -1}`.
struct OnnxAttribute {
    /// The types of attributes.
    using Value = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>>;

    std::string name;
    Value value;

    /// Makes an attribute of its name and a number, a text, or a value of any other type.
    OnnxAttribute(std::string_view called, int number) : name(called), value(std::int64_t{number}) {}
    OnnxAttribute(std::string_view called, double number) : name(called), value(number) {}
    OnnxAttribute(std::string_view called, const char* text) : name(called), value(std::string(text)) {}
    OnnxAttribute(std::string_view called, Value given) : name(called), value(std::move(given)) {}

    friend bool operator==(const OnnxAttribute&, const OnnxAttribute&) = default;
};

/// A value as operators of ONNX (opset 17) compute it: an expression, and no more than data. With a function
/// `onnx` an operation says, where it is defined, what computes the same there:
///
///     static auto onnx(const OnnxValue& x) { return onnx_node("Softmax", {x}, {{"axis", -1}}); }
///
/// or, if it is one operator of the same arguments, `static constexpr std::string_view onnx = "Tanh";`. Only
/// who exports a recording asks for it.
class OnnxValue {
  public:
    /// Makes no value, which is what an operation without a counterpart has.
    OnnxValue() = default;
    /// Makes a number, without axes.
    OnnxValue(double number);
    /// Makes a tensor of int64: the positions, extents and axes that operators take as inputs.
    static OnnxValue integers(std::vector<std::int64_t> elements);
    static OnnxValue integers(std::vector<std::int64_t> elements, const Shape& shape);
    /// Makes the extents of a shape as a tensor of int64.
    static OnnxValue extents(const Shape& shape);
    /// Makes a value that has a name already.
    static OnnxValue named(std::string name, const Shape& shape);

    /// Returns whether there is a value.
    explicit operator bool() const { return expression_ != nullptr; }
    /// Returns the shape that the value had when it was recorded; empty unless it is an argument.
    const Shape& shape() const;
    /// Returns the expression, null for no value.
    const std::shared_ptr<const detail::OnnxExpression>& expression() const { return expression_; }

  private:
    friend OnnxValue onnx_node(std::string_view, std::vector<OnnxValue>, std::vector<OnnxAttribute>);
    explicit OnnxValue(detail::OnnxExpression expression);

    std::shared_ptr<const detail::OnnxExpression> expression_;
};

namespace detail {

/// One operator with its inputs; or, without an operator, a name or what a constant holds.
struct OnnxExpression {
    std::string op = {};
    std::vector<OnnxValue> inputs = {};
    std::vector<OnnxAttribute> attributes = {};
    std::string name = {};
    std::variant<double, std::vector<std::int64_t>> constant = 0.0;
    Shape shape = {};
};

}  // namespace detail

/// The result of one operator of ONNX, by its name there. An input without a value is one that is left out.
OnnxValue onnx_node(std::string_view op, std::vector<OnnxValue> inputs,
                    std::vector<OnnxAttribute> attributes = {});

namespace detail {

/// The float32, bool and int64 of ONNX' TensorProto, as `Cast` takes them.
inline constexpr int onnx_float = 1;
inline constexpr int onnx_int64 = 7;
inline constexpr int onnx_bool = 9;

/// 1 and 0 for what is true and false, and the other way round.
inline OnnxValue onnx_number(const OnnxValue& x) { return onnx_node("Cast", {x}, {{"to", onnx_float}}); }
inline OnnxValue onnx_truth(const OnnxValue& x) { return onnx_node("Cast", {x}, {{"to", onnx_bool}}); }

/// What a definition says: the one operator, or the function of its arguments. Nothing if it says nothing.
template <class Def, std::size_t... K>
OnnxValue onnx_of(const Def& def, std::span<const OnnxValue> inputs, std::index_sequence<K...>) {
    if constexpr (requires { std::string_view(Def::onnx); })
        return onnx_node(Def::onnx, {inputs.begin(), inputs.end()});
    else if constexpr (requires { def.onnx(inputs[K]...); })
        return def.onnx(inputs[K]...);
    else
        return {};
}

}  // namespace detail
}  // namespace tapeloop
