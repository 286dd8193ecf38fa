#pragma once

#include <algorithm>
#include <initializer_list>
#include <string_view>

/// Kinds of operations, by their names.
namespace tapeloop::detail {

inline bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

inline bool is_loss(std::string_view name) {
    return is_one_of(name, {"mean_squared_error", "mean_absolute_error", "huber", "softmax_cross_entropy",
                            "sigmoid_cross_entropy", "ctc_loss"});
}

/// Element i of the result depends on element i of each argument alone.
inline bool is_elementwise(std::string_view name) {
    return is_one_of(name, {"add", "subtract", "multiply", "divide", "scale", "negate", "pow", "square"}) ||
           is_one_of(name, {"sqrt", "exp", "log", "expm1", "log1p", "abs", "sin", "cos", "tanh"}) ||
           is_one_of(name, {"sigmoid", "softplus", "relu", "leaky_relu", "elu", "clip", "identity"}) ||
           is_one_of(name, {"maximum", "minimum", "where", "less", "less_equal", "equal", "map"}) ||
           is_one_of(name, {"mean_squared_error", "mean_absolute_error", "huber"});
}

}  // namespace tapeloop::detail
