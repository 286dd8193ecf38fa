#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <string_view>
#include <tuple>

/// Sums, products and quotients.
namespace tapeloop {

namespace elementary {

struct Add {
    static constexpr std::string_view name = "add";
    static constexpr Description description{
        .equation = "y = a + b", .rules = {{"a", "g"}, {"b", "g"}}, .kind = OperationKind::addition};
    static constexpr std::string_view onnx = "Add";
    static auto value(const auto& a, const auto& b) { return a + b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return g; }};
    }
};

struct Subtract {
    static constexpr std::string_view name = "subtract";
    static constexpr Description description{.equation = "y = a - b",
                                             .rules = {{"a", "g"}, {"b", "-g"}},
                                             .kind = OperationKind::subtraction,
                                             .letter = "d"};
    static constexpr std::string_view onnx = "Sub";
    static auto value(const auto& a, const auto& b) { return a - b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto&, const auto&, const auto&) { return -g; }};
    }
};

struct Multiply {
    static constexpr std::string_view name = "multiply";
    static constexpr Description description{.equation = "y = a ⊙ b",
                                             .rules = {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}},
                                             .kind = OperationKind::factor,
                                             .letter = "m"};
    static constexpr std::string_view onnx = "Mul";
    static auto value(const auto& a, const auto& b) { return a * b; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto& b) { return scale(g, b); },
                          [](const auto& g, const auto&, const auto& a, const auto&) { return scale(g, a); }};
    }
};

struct Divide {
    static constexpr std::string_view name = "divide";
    static constexpr Description description{.equation = "y = a / b",
                                             .rules = {{"a", "g / b"}, {"b", "-g ⊙ y / b"}},
                                             .kind = OperationKind::quotient};
    static constexpr std::string_view onnx = "Div";
    static auto value(const auto& a, const auto& b) { return a / b; }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto& b) { return scale(g, 1 / b); },
            [](const auto& g, const auto& y, const auto&, const auto& b) { return scale(g, -(y / b)); }};
    }
};

/// The cotangent of a product whose zeros stay zero: see `scale`.
struct Scale {
    static constexpr std::string_view name = "scale";
    static constexpr Description description{.equation = "y = a ⊙ b, 0 where a = 0",
                                             .rules = {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}},
                                             .kind = OperationKind::factor};
    static auto value(const auto& g, const auto& slope) { return where(equal(g, 0), 0, g * slope); }
    static auto rules() { return Multiply::rules(); }
};

struct Mod {
    static constexpr std::string_view name = "mod";
    static constexpr Description description{.equation = "y = a - b ⊙ floor(a / b)",
                                             .rules = {{"a", "g"}, {"b", "-g ⊙ floor(a / b)"}}};
    static auto onnx(const auto& a, const auto& b) {
        const auto rest = onnx_node("Mod", {a, b}, {{"fmod", 1}});  // with the sign of a
        const auto differs = onnx_node("Less", {onnx_node("Mul", {rest, b}), 0.0});
        return onnx_node("Where", {differs, onnx_node("Add", {rest, b}), rest});
    }
    static auto value(const auto& a, const auto& b) { return mod(a, b); }
    /// floor(a / b), which (a - y) / b is but for its rounding.
    static auto quotient(const auto& y, const auto& a, const auto& b) { return round((a - y) / b); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&, const auto&) { return g; },
                          [](const auto& g, const auto& y, const auto& a, const auto& b) {
                              return scale(g, -quotient(y, a, b));
                          }};
    }
};

struct Negate {
    static constexpr std::string_view name = "negate";
    static constexpr Description description{
        .equation = "y = -x", .rules = {{"x", "-g"}}, .kind = OperationKind::layout};
    static constexpr std::string_view onnx = "Neg";
    static auto value(const auto& x) { return -x; }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto&) { return -g; }};
    }
};

}  // namespace elementary

/// a + b
TAPELOOP_RECORDED_BINARY(add, Add)
/// a - b
TAPELOOP_RECORDED_BINARY(subtract, Subtract)
/// a b, element by element.
TAPELOOP_RECORDED_BINARY(multiply, Multiply)
/// a / b, element by element.
TAPELOOP_RECORDED_BINARY(divide, Divide)
/// g slope, element by element, but 0 where g is 0, whatever the slope: what rules scale cotangents with.
TAPELOOP_RECORDED_BINARY(scale, Scale)
/// -x
TAPELOOP_RECORDED_UNARY(negate, Negate)
/// The remainder of a / b, exact, with the sign of b as in NumPy and Python: mod(-1, 3) is 2. NaN where b is
/// 0. The gradient in b is -floor(a / b).
TAPELOOP_BINARY(mod, Mod)

}  // namespace tapeloop
