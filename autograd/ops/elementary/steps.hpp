#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <string_view>
#include <tuple>

/// Steps, whose gradient is 0 everywhere.
namespace tapeloop {

namespace elementary {

struct Floor {
    static constexpr std::string_view name = "floor";
    static constexpr Description description{
        .equation = "y = floor(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Floor";
    static auto value(const auto& x) { return floor(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Ceil {
    static constexpr std::string_view name = "ceil";
    static constexpr Description description{
        .equation = "y = ceil(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Ceil";
    static auto value(const auto& x) { return ceil(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Round {
    static constexpr std::string_view name = "round";
    static constexpr Description description{
        .equation = "y = round(x), halves to even", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Round";
    static auto value(const auto& x) { return round(x); }
    static auto rules() { return std::tuple<>(); }
};

struct Sign {
    static constexpr std::string_view name = "sign";
    static constexpr Description description{
        .equation = "y = sign(x)", .rules = {{"x", "0"}}, .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Sign";
    static auto value(const auto& x) { return where(x > 0, 1, where(x < 0, -1, x)); }
    static auto rules() { return std::tuple<>(); }
};

}  // namespace elementary

/// The largest integer not above x; no cotangent passes.
TAPELOOP_UNARY(floor, Floor)
/// The smallest integer not below x; no cotangent passes.
TAPELOOP_UNARY(ceil, Ceil)
/// The nearest integer, of two the even one as in NumPy: round(0.5) is 0 and round(1.5) 2; no cotangent
/// passes.
TAPELOOP_UNARY(round, Round)
/// 1, 0 or -1 with the sign of x, NaN of NaN; no cotangent passes.
TAPELOOP_UNARY(sign, Sign)

}  // namespace tapeloop
