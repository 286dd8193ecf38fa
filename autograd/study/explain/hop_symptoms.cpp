#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/study/explain/hop_symptoms.hpp>
#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/sweep/contributions.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

/// Returns whether an operation changes no element but by a constant.
bool is_layout(OperationKind kind) {
    switch (kind) {
        case OperationKind::result:
        case OperationKind::split:
        case OperationKind::join:
        case OperationKind::slice:
        case OperationKind::layout:
        case OperationKind::addition:
        case OperationKind::subtraction:
            return true;
        default:
            return false;
    }
}
bool is_factor(OperationKind kind) {
    return kind == OperationKind::factor || kind == OperationKind::quotient;
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
Symptom HopSymptoms<T>::of(const Hop& hop) {
    const OperationKind kind = operation(hop.node).kind;
    if (!std::isfinite(hop.out) && std::isfinite(hop.in))
        return std::isinf(hop.out) ? Symptom{Cause::overflow, "its rule overflows"}
                                   : Symptom{Cause::not_a_number, "its rule gives NaN"};
    if (hop.in > 0 && hop.out == 0) return of_stop(hop);
    if (kind == OperationKind::product) return of_product(hop);
    if (is_factor(kind)) return of_factor(hop);
    if (kind == OperationKind::fused) return of_map(hop);
    if (is_layout(kind)) return {Cause::averaging, ""};
    if (const auto stopped = of_switch(hop)) return *stopped;
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    if (factor < small_slope) {
        if (const auto limits = of_limits(hop)) return *limits;
        if (kind == OperationKind::error && factor < small_loss_slope)
            return {Cause::at_minimum, fmt::format("its slope is {:.2g}: nearly at its minimum", factor)};
    }
    return {Cause::slope, ""};
}

/// Finds the cause at a hop to which something comes and from which nothing goes on.
template <class T>
Symptom HopSymptoms<T>::of_stop(const Hop& hop) {
    const OperationKind kind = operation(hop.node).kind;
    if (hands_nothing_on(hop))
        return {Cause::no_gradient, kind == OperationKind::comparison || kind == OperationKind::condition
                                        ? "a comparison or a condition hands no gradient on"
                                        : "its rule for this argument is 0"};
    if (const auto limits = of_limits(hop)) return *limits;
    if (const auto stopped = of_switch(hop)) return *stopped;
    if (kind == OperationKind::activation) return {Cause::dead, "its slope is 0"};
    // What two factors give that are not 0 but too small together.
    constexpr double smallest = std::numeric_limits<T>::min();
    const auto inputs = tape_.inputs(hop.node);
    const bool is_matrix_product =
        kind == OperationKind::product && std::any_of(inputs.begin(), inputs.end(), [this](NodeIndex input) {
            return tape_.node(input).shape.rank() > 1;
        });
    if (is_factor(kind) || (kind == OperationKind::product && !is_matrix_product)) {
        if (largest_of(value(other_argument(hop))) == 0)
            return {Cause::masked, fmt::format("multiplied by 0: {}", described(other_argument(hop)))};
        if (hop.in > std::sqrt(smallest)) return {Cause::masked, "multiplied by 0 wherever a cotangent is"};
    }
    if (kind == OperationKind::error && hop.in > std::sqrt(smallest))
        return {Cause::at_minimum, "its slope is 0 at every element: the loss is at its minimum"};
    if (is_matrix_product) return of_product(hop);
    if (kind == OperationKind::fused) return of_map(hop);
    if (hop.in < std::sqrt(smallest))
        return {Cause::underflow,
                fmt::format("{:.1e} is too near the smallest number of the type, {:.0e}", hop.in, smallest)};
    return {Cause::slope, "its rule gives 0"};
}

/// Finds the cause at an activation near its limits.
template <class T>
std::optional<Symptom> HopSymptoms<T>::of_limits(const Hop& hop) const {
    const Limits& limits = operation(hop.node).limits;
    if (!limits.any()) return {};
    const auto is_near = [&limits](T element) {
        const auto own = static_cast<double>(element);
        const double v = limits.of_exponential ? std::exp(own) : own;
        return v < limits.low + near_limit || v > limits.high - near_limit;
    };
    const double share = share_of(value(hop.node), is_near);
    if (share < most) return {};
    const std::string where =
        limits.of_exponential ? "certainty" : fmt::format("{} or {}", limits.low, limits.high);
    return Symptom{Cause::saturated, fmt::format("{:.0f} % of its values are near {}", 100 * share, where)};
}

/// Finds the cause at an operation that hands each element on as it is, or not at all.
template <class T>
std::optional<Symptom> HopSymptoms<T>::of_switch(const Hop& hop) const {
    const Description& own = operation(hop.node);
    const Tensor<T>* cotangent = cotangents_.at(hop.node);
    if (cotangent == nullptr || own.stops.empty()) return {};
    const Cause cause = own.kind == OperationKind::condition ? Cause::masked : Cause::dead;
    Tensor<T> ones = uninitialised<T>(tape_.node(hop.node).shape);
    ones.fill(T(1));
    const auto slopes = contributions<T>(tape_, hop.node, [&](NodeIndex) { return &ones; }, {hop.input});
    if (slopes.empty() || slopes[0].cotangent.size() != ones.size())  // summed over what was broadcast
        return hop.out > 0 ? std::nullopt : std::optional(Symptom{cause, std::string(own.stops)});
    std::size_t arrived = 0;
    std::size_t stopped = 0;
    for (std::size_t i = 0; i < ones.size(); ++i) {
        if (cotangent->data()[i] == T(0)) continue;
        ++arrived;
        if (slopes[0].cotangent.data()[i] == T(0)) ++stopped;
    }
    const double share = arrived == 0 ? 0 : static_cast<double>(stopped) / static_cast<double>(arrived);
    if (share < nearly_all) return {};
    return Symptom{cause, fmt::format("{} at {:.3g} % of the elements that matter", own.stops, 100 * share)};
}

/// Returns whether the rule of each argument that the hop's input is says that no cotangent comes of it.
template <class T>
bool HopSymptoms<T>::hands_nothing_on(const Hop& hop) const {
    const Description& own = operation(hop.node);
    const auto inputs = tape_.inputs(hop.node);
    bool is_argument = false;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        if (inputs[k] != hop.input) continue;
        const Description::Rule* rule = own.rule(k);
        if (rule == nullptr || !rule->is_nothing()) return false;
        is_argument = true;
    }
    return is_argument;
}

template <class T>
std::string HopSymptoms<T>::described(NodeIndex node) const {
    const auto parameter = tape_.parameter(node);  // which has no place and no time step
    return parameter != nullptr ? fmt::format("parameter '{}'", parameter->name) : tape_.describe(node);
}

template <class T>
NodeIndex HopSymptoms<T>::other_argument(const Hop& hop) const {
    const auto inputs = tape_.inputs(hop.node);
    return inputs[0] == hop.input && inputs.size() > 1 ? inputs[1] : inputs[0];
}

template <class T>
double HopSymptoms<T>::spectral_norm_of(NodeIndex matrix) {
    const auto known = spectral_norms_.find(matrix);
    if (known != spectral_norms_.end()) return known->second;
    const Tensor<double> copy = as_double(value(matrix).data(), tape_.node(matrix).shape);
    const bool finite = std::all_of(copy.begin(), copy.end(), [](double x) { return std::isfinite(x); });
    const double norm = finite ? spectral_norm(copy) : std::numeric_limits<double>::quiet_NaN();
    spectral_norms_.emplace(matrix, norm);
    return norm;
}

template <class T>
Symptom HopSymptoms<T>::of_product(const Hop& hop) {
    const NodeIndex other = other_argument(hop);
    const bool is_bias = is_added(hop);
    if (is_bias) return {Cause::averaging, ""};
    if (largest_of(value(other)) == 0)
        return {Cause::weights, fmt::format("times {}, whose elements are all 0", described(other))};
    if (hop.out == 0 && hop.in < std::sqrt(std::numeric_limits<T>::min()))
        return {Cause::underflow, fmt::format("{:.1e} is too near the smallest number of the type", hop.in)};
    if (tape_.node(other).shape.rank() != 2) return {Cause::weights, ""};
    const auto elements = [this](NodeIndex node) {
        return static_cast<double>(tape_.node(node).shape.size());
    };
    const double stretch =
        hop.in > 0 ? hop.out / hop.in * std::sqrt(elements(hop.input) / elements(hop.node)) : 0;
    return {Cause::weights, fmt::format("stretches the norm by {:.2g}; the spectral norm of {} is {:.2g}",
                                        stretch, described(other), spectral_norm_of(other))};
}

/// Returns whether the hop's input is only an argument that a product adds, such as the bias.
template <class T>
bool HopSymptoms<T>::is_added(const Hop& hop) const {
    const auto inputs = tape_.inputs(hop.node);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        if (inputs[k] != hop.input) continue;
        const Description::Rule* rule = operation(hop.node).rule(k);
        if (rule == nullptr || !rule->is_unchanged()) return false;
    }
    return true;
}

/// Returns whether a factor is a gate, or 1 minus one, as where an update gate takes the new state.
template <class T>
bool HopSymptoms<T>::is_gate_factor(NodeIndex factor) const {
    if (operation(factor).is_gate) return true;
    if (operation(factor).kind != OperationKind::subtraction) return false;
    const auto inputs = tape_.inputs(factor);
    const std::span<const T> first = value(inputs[0]);
    return tape_.inputs(inputs[0]).empty() && operation(inputs[1]).is_gate &&
           std::all_of(first.begin(), first.end(), [](T element) { return element == T(1); });
}

/// Finds the cause at an elementwise product or quotient.
template <class T>
Symptom HopSymptoms<T>::of_factor(const Hop& hop) {
    const NodeIndex other = other_argument(hop);
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    const bool is_product = operation(hop.node).kind == OperationKind::factor;
    const double zeros = share_of(value(other), [](T v) { return v == T(0); });
    if (is_product && factor < 1 && zeros >= nearly_all)
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
Symptom HopSymptoms<T>::of_map(const Hop& hop) const {
    const double factor = hop.in > 0 ? hop.out / hop.in : 1;
    if (hop.out > 0 && factor > small_slope) return {Cause::slope, ""};
    return {Cause::inside_map,
            fmt::format("its slope by {} is {:.2g}; record with fuse = false to see inside",
                        described(hop.input), factor)};
}

template class HopSymptoms<float>;
template class HopSymptoms<double>;

}  // namespace tapeloop::detail
