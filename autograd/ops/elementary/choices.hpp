#pragma once

#include <autograd/ops/elementary/declare.hpp>

#include <string_view>
#include <tuple>

/// Comparisons and choices.
namespace tapeloop {

namespace elementary {

/// Comparisons give 1 and 0 and pass no cotangent on.
template <class Compare>
struct Comparison {
    static constexpr std::string_view name = Compare::name;
    static constexpr Description description = Compare::description;
    static auto onnx(const auto& a, const auto& b) {
        return detail::onnx_number(onnx_node(Compare::onnx, {a, b}));
    }
    static auto value(const auto& a, const auto& b) { return where(Compare::holds(a, b), 1, 0); }
    static auto rules() { return std::tuple<>(); }
};

struct IsLess {
    static constexpr std::string_view name = "less";
    static constexpr Description description{.equation = "y = 1 where a < b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Less";
    static auto holds(const auto& a, const auto& b) { return a < b; }
};

struct IsLessEqual {
    static constexpr std::string_view name = "less_equal";
    static constexpr Description description{.equation = "y = 1 where a ≤ b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "LessOrEqual";
    static auto holds(const auto& a, const auto& b) { return a <= b; }
};

struct IsEqual {
    static constexpr std::string_view name = "equal";
    static constexpr Description description{.equation = "y = 1 where a = b, 0 elsewhere",
                                             .rules = {{"a", "0"}, {"b", "0"}},
                                             .kind = OperationKind::comparison};
    static constexpr std::string_view onnx = "Equal";
    static auto holds(const auto& a, const auto& b) { return equal(a, b); }
};

using Less = Comparison<IsLess>;
using LessEqual = Comparison<IsLessEqual>;
using Equal = Comparison<IsEqual>;
/// Elements of a where the condition is not 0, of b elsewhere.
struct Where {
    static constexpr std::string_view name = "where";
    static constexpr Description description{
        .equation = "y = a where c ≠ 0, b elsewhere",
        .rules = {{"c", "0"}, {"a", "g where c ≠ 0, 0 elsewhere"}, {"b", "g where c = 0, 0 elsewhere"}},
        .kind = OperationKind::condition,
        .stops = "its condition takes the other branch"};
    static auto onnx(const auto& c, const auto& a, const auto& b) {
        return onnx_node("Where", {detail::onnx_truth(c), a, b});
    }
    template <class T>
    static detail::Lanes<T> value(const detail::Lanes<T>& condition, const detail::Lanes<T>& a,
                                  const detail::Lanes<T>& b) {
        return where(equal(condition, 0), b, a);
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto&, const auto&, const auto&) { return 0 * g; },
            [](const auto& g, const auto&, const auto& c, const auto&, const auto&) {
                return where(equal(c, 0), 0, g);
            },
            [](const auto& g, const auto&, const auto& c, const auto&, const auto&) {
                return where(equal(c, 0), g, 0);
            }};
    }
};

/// The greater of a and b; where they are equal each gets half the cotangent; a NaN in either is the result.
struct Maximum {
    static constexpr std::string_view name = "maximum";
    static constexpr Description description{.equation = "y = max(a, b)",
                                             .rules = {{"a", "g where a > b, g/2 where a = b, 0 elsewhere"},
                                                       {"b", "g where b > a, g/2 where a = b, 0 elsewhere"}},
                                             .stops = "its slope is 0",
                                             .letter = "m"};
    static constexpr std::string_view onnx = "Max";
    static auto value(const auto& a, const auto& b) { return where(a >= b, a, where(a < b, b, a + b)); }
    static auto share(const auto& a, const auto& b) {
        return where(a > b, 1, where(a < b, 0, where(equal(a, b), 0.5, a + b)));
    }
    static auto rules() {
        return std::tuple{
            [](const auto& g, const auto&, const auto& a, const auto& b) { return scale(g, share(a, b)); },
            [](const auto& g, const auto&, const auto& a, const auto& b) { return scale(g, share(b, a)); }};
    }
};

struct Minimum {
    static constexpr std::string_view name = "minimum";
    static constexpr Description description{.equation = "y = min(a, b)",
                                             .rules = {{"a", "g where a < b, g/2 where a = b, 0 elsewhere"},
                                                       {"b", "g where b < a, g/2 where a = b, 0 elsewhere"}},
                                             .stops = "its slope is 0"};
    static constexpr std::string_view onnx = "Min";
    static auto value(const auto& a, const auto& b) { return where(a <= b, a, where(a > b, b, a + b)); }
    static auto rules() {
        return std::tuple{[](const auto& g, const auto&, const auto& a, const auto& b) {
                              return scale(g, Maximum::share(b, a));
                          },
                          [](const auto& g, const auto&, const auto& a, const auto& b) {
                              return scale(g, Maximum::share(a, b));
                          }};
    }
};

}  // namespace elementary

/// 1 where a < b and 0 elsewhere, for `where`; no cotangent passes.
TAPELOOP_RECORDED_BINARY(less, Less)
/// 1 where a <= b and 0 elsewhere; no cotangent passes.
TAPELOOP_RECORDED_BINARY(less_equal, LessEqual)
/// 1 where a = b and 0 elsewhere; no cotangent passes.
TAPELOOP_RECORDED_BINARY(equal, Equal)
/// Elements of a where the condition is not 0, of b elsewhere. The branch that was not taken does not leak,
/// be it infinite or NaN.
TAPELOOP_RECORDED_CHOICE(where, Where)
/// The larger of both; NaN if one of them is. At a = b each gets half of the cotangent.
TAPELOOP_BINARY(maximum, Maximum)
/// The smaller of both; NaN if one of them is. At a = b each gets half of the cotangent.
TAPELOOP_BINARY(minimum, Minimum)

}  // namespace tapeloop
