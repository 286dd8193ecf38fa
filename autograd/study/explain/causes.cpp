#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/study/derivation/operation_names.hpp>
#include <autograd/study/explain/causes.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

/// Whether the slope of an operation is 0 where it is smallest, and its value an error.
bool has_minimum(std::string_view name) {
    return is_loss(name) || is_one_of(name, {"square", "abs", "norm", "variance"});
}
bool is_softmax(std::string_view name) {
    return is_one_of(name, {"softmax", "log_softmax", "masked_softmax"});
}
bool is_gate(std::string_view name) {
    return is_softmax(name) || is_one_of(name, {"sigmoid", "clip", "map"});
}
/// Moves, repeats, joins or averages elements, and changes none but by a constant.
bool is_layout(std::string_view name) {
    return is_one_of(
        name, {"sum",    "mean",    "sum_to",      "broadcast_to", "stack",       "concatenate", "unstack",
               "result", "reshape", "expand_dims", "squeeze",      "transpose",   "flip",        "slice",
               "place",  "pad",     "gather_rows", "scatter_rows", "scatter_add", "take_along",  "add_along",
               "max",    "min",     "identity",    "add",          "subtract",    "negate"});
}

// Slopes below these are called small, of anything and of a loss, whose slope is its error.
constexpr double small_slope = 0.1;
constexpr double small_loss_slope = 1e-3;
// A tanh this close to 1 has a slope below 0.1; a sigmoid or softmax is as near its limit.
constexpr double near_limit = 0.05;
constexpr double most = 0.5;
// Half of the units of a healthy relu are off; a mask or a maximum, too, may well stop half of the elements.
constexpr double nearly_all = 0.9;

template <class T>
double share_of(std::span<const T> elements, const auto& holds) {
    if (elements.empty()) return 0;
    return static_cast<double>(std::count_if(elements.begin(), elements.end(), holds)) /
           static_cast<double>(elements.size());
}

template <class T>
double largest_of(std::span<const T> elements) {
    double largest = 0;
    for (T element : elements) largest = std::max(largest, std::abs(static_cast<double>(element)));
    return largest;
}

}  // namespace

template <class T>
Symptom Causes<T>::of(const Hop& hop) {
    const std::string_view name = operation(hop.node);
    if (!std::isfinite(hop.out) && std::isfinite(hop.in))
        return std::isinf(hop.out) ? Symptom{Cause::overflow, "its rule overflows"}
                                   : Symptom{Cause::not_a_number, "its rule gives NaN"};
    if (hop.in > 0 && hop.out == 0) return of_stop(hop);
    if (name == "matmul" || name == "affine" || name == "dot" || name == "outer") return of_product(hop);
    if (is_one_of(name, {"multiply", "scale", "divide"})) return of_factor(hop);
    if (name == "map") return of_map(hop);
    if (is_layout(name)) return {Cause::averaging, ""};
    if (const auto stopped = of_switch(hop)) return *stopped;
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    if (factor < small_slope) {
        if (const auto limits = of_limits(hop)) return *limits;
        if (has_minimum(name) && factor < small_loss_slope)
            return {Cause::at_minimum, fmt::format("its slope is {:.2g}: nearly at its minimum", factor)};
    }
    return {Cause::slope, ""};
}

/// Of a hop to which something comes and from which nothing goes on.
template <class T>
Symptom Causes<T>::of_stop(const Hop& hop) {
    const std::string_view name = operation(hop.node);
    if (is_one_of(name, {"less", "less_equal", "equal"}) ||
        (name == "where" && tape_.inputs(hop.node)[0] == hop.input))
        return {Cause::no_gradient, "a comparison or a condition hands no gradient on"};
    if (const auto limits = of_limits(hop)) return *limits;
    if (const auto stopped = of_switch(hop)) return *stopped;
    if (is_one_of(name, {"leaky_relu", "elu"})) return {Cause::dead, "its slope is 0"};
    // What two factors give that are not 0 but too small together.
    constexpr double smallest = std::numeric_limits<T>::min();
    if (is_one_of(name, {"multiply", "scale", "divide", "dot"})) {
        if (largest_of(value(other_argument(hop))) == 0)
            return {Cause::masked, fmt::format("multiplied by 0: {}", described(other_argument(hop)))};
        if (hop.in > std::sqrt(smallest)) return {Cause::masked, "multiplied by 0 wherever a cotangent is"};
    }
    if (has_minimum(name) && hop.in > std::sqrt(smallest))
        return {Cause::at_minimum, "its slope is 0 at every element: the loss is at its minimum"};
    if (is_one_of(name, {"matmul", "affine"})) return of_product(hop);
    if (name == "map") return of_map(hop);
    if (hop.in < std::sqrt(smallest))
        return {Cause::underflow,
                fmt::format("{:.1e} is too near the smallest number of the type, {:.0e}", hop.in, smallest)};
    return {Cause::slope, "its rule gives 0"};
}

/// Of an activation near its limits.
template <class T>
std::optional<Symptom> Causes<T>::of_limits(const Hop& hop) const {
    const std::string_view name = operation(hop.node);
    const std::span<const T> y = value(hop.node);
    double share = 0;
    std::string_view limits = "0 or 1";
    if (name == "tanh") {
        share = share_of(y, [](T v) { return std::abs(v) > 1 - near_limit; });
        limits = "-1 or 1";
    } else if (name == "sigmoid" || name == "softmax" || name == "masked_softmax") {
        share = share_of(y, [](T v) { return v < near_limit || v > 1 - near_limit; });
    } else if (name == "log_softmax") {
        share = share_of(y, [](T v) { return v < std::log(near_limit) || v > std::log(1 - near_limit); });
        limits = "certainty";
    }
    if (share < most) return {};
    return Symptom{Cause::saturated, fmt::format("{:.0f} % of its values are near {}", 100 * share, limits)};
}

/// Of an operation that hands each element on as it is, or not at all.
template <class T>
std::optional<Symptom> Causes<T>::of_switch(const Hop& hop) const {
    const std::string_view name = operation(hop.node);
    const bool is_where = name == "where";
    const Tensor<T>* cotangent = cotangents_.at(hop.node);
    if (cotangent == nullptr || !is_one_of(name, {"where", "relu", "clip", "maximum", "minimum"})) return {};
    const Cause cause = is_where ? Cause::masked : Cause::dead;
    const std::string_view what = is_where         ? "its condition takes the other branch"
                                  : name == "relu" ? "x <= 0"
                                                   : "its slope is 0";
    Tensor<T> ones = uninitialised<T>(tape_.node(hop.node).shape);
    ones.fill(T(1));
    const auto slopes = contributions<T>(tape_, hop.node, [&](Index) { return &ones; }, {hop.input});
    if (slopes.empty() || slopes[0].cotangent.size() != ones.size())  // summed over what was broadcast
        return hop.out > 0 ? std::nullopt : std::optional(Symptom{cause, std::string(what)});
    std::size_t arrived = 0;
    std::size_t stopped = 0;
    for (std::size_t i = 0; i < ones.size(); ++i) {
        if (cotangent->data()[i] == T(0)) continue;
        ++arrived;
        if (slopes[0].cotangent.data()[i] == T(0)) ++stopped;
    }
    const double share = arrived == 0 ? 0 : static_cast<double>(stopped) / static_cast<double>(arrived);
    if (share < nearly_all) return {};
    return Symptom{cause, fmt::format("{} at {:.3g} % of the elements that matter", what, 100 * share)};
}

template <class T>
std::string Causes<T>::described(Index node) const {
    const auto parameter = tape_.parameter(node);  // which has no place and no time step
    return parameter != nullptr ? fmt::format("parameter '{}'", parameter->name) : tape_.describe(node);
}

template <class T>
Index Causes<T>::other_argument(const Hop& hop) const {
    const auto inputs = tape_.inputs(hop.node);
    return inputs[0] == hop.input && inputs.size() > 1 ? inputs[1] : inputs[0];
}

template <class T>
double Causes<T>::spectral_norm_of(Index matrix) {
    const auto known = spectral_norms_.find(matrix);
    if (known != spectral_norms_.end()) return known->second;
    const Tensor<double> copy = as_double(value(matrix).data(), tape_.node(matrix).shape);
    const bool finite = std::all_of(copy.begin(), copy.end(), [](double x) { return std::isfinite(x); });
    const double norm = finite ? spectral_norm(copy) : std::numeric_limits<double>::quiet_NaN();
    spectral_norms_.emplace(matrix, norm);
    return norm;
}

template <class T>
Symptom Causes<T>::of_product(const Hop& hop) {
    const Index other = other_argument(hop);
    const bool is_bias = operation(hop.node) == "affine" && tape_.inputs(hop.node)[2] == hop.input &&
                         tape_.inputs(hop.node)[0] != hop.input;
    if (is_bias) return {Cause::averaging, ""};
    if (largest_of(value(other)) == 0)
        return {Cause::weights, fmt::format("times {}, whose elements are all 0", described(other))};
    if (hop.out == 0 && hop.in < std::sqrt(std::numeric_limits<T>::min()))
        return {Cause::underflow, fmt::format("{:.1e} is too near the smallest number of the type", hop.in)};
    if (tape_.node(other).shape.rank() != 2) return {Cause::weights, ""};
    const auto elements = [this](Index node) { return static_cast<double>(tape_.node(node).shape.size()); };
    const double stretch =
        hop.in > 0 ? hop.out / hop.in * std::sqrt(elements(hop.input) / elements(hop.node)) : 0;
    return {Cause::weights, fmt::format("stretches the norm by {:.2g}; the spectral norm of {} is {:.2g}",
                                        stretch, described(other), spectral_norm_of(other))};
}

/// Whether a factor is a gate, or 1 minus one, as where an update gate takes the new state.
template <class T>
bool Causes<T>::is_gate_factor(Index factor) const {
    if (is_gate(operation(factor))) return true;
    if (operation(factor) != "subtract") return false;
    const auto inputs = tape_.inputs(factor);
    const std::span<const T> first = value(inputs[0]);
    return tape_.inputs(inputs[0]).empty() && is_gate(operation(inputs[1])) &&
           std::all_of(first.begin(), first.end(), [](T element) { return element == T(1); });
}

/// Of an elementwise product or quotient.
template <class T>
Symptom Causes<T>::of_factor(const Hop& hop) {
    const Index other = other_argument(hop);
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    const bool is_product = operation(hop.node) != "divide";
    const double zeros = share_of(value(other), [](T v) { return v == T(0); });
    if (operation(hop.node) == "multiply" && factor < 1 && zeros >= nearly_all)
        return {Cause::masked, fmt::format("multiplied by 0 at {:.3g} % of the elements: {}", 100 * zeros,
                                           described(other))};
    if (factor > small_slope && factor < 1 / small_slope) return {Cause::slope, ""};
    if (factor < small_slope && is_product && is_gate_factor(other))
        return {Cause::closed_gate, fmt::format("its gate, {}, is {:.1g} per element", described(other),
                                                rms(value(other).data(), value(other).size()))};
    return {Cause::factor, fmt::format("times or through {}, {:.2g} per element", described(other),
                                       rms(value(other).data(), value(other).size()))};
}

template <class T>
Symptom Causes<T>::of_map(const Hop& hop) const {
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    if (hop.out > 0 && factor > small_slope) return {Cause::slope, ""};
    return {Cause::inside_map,
            fmt::format("its slope by {} is {:.2g}; record with fuse = false to see inside",
                        described(hop.input), factor)};
}

template class Causes<float>;
template class Causes<double>;

}  // namespace tapeloop::detail
