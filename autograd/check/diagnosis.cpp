#include <fmt/format.h>
#include <autograd/check/evidence.hpp>
#include <autograd/check/slices.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace tapeloop::detail {
namespace {

using Maybe = std::optional<Diagnosed>;

Maybe not_finite(const Evidence& evidence, const Fit&) {
    const auto bad = std::count_if(evidence.tape.begin(), evidence.tape.end(),
                                   [](double element) { return !std::isfinite(element); });
    if (bad == 0) return {};
    return Diagnosed{Diagnosis::not_finite,
                     fmt::format("{} of {} elements of the tape's gradient are NaN or infinite", bad,
                                 evidence.tape.size())};
}

Maybe nothing(const Evidence& evidence, const Fit& fit) {
    if (std::all_of(evidence.tape.begin(), evidence.tape.end(), [](double element) { return element == 0; }))
        return Diagnosed{Diagnosis::no_gradient,
                         "the tape's gradient is zero everywhere, but the function depends on it: a rule "
                         "passes nothing on, or the value is detached"};
    if (fit.scale() == 0)
        return Diagnosed{Diagnosis::unasked_gradient,
                         "the function does not depend on it, but the tape's gradient is not zero"};
    return {};
}

Maybe sign(const Evidence& evidence, const Fit& fit) {
    Elements negative = evidence.numeric;
    for (double& element : negative) element = -element;
    if (!fit.fits(negative)) return {};
    return Diagnosed{Diagnosis::sign, "the gradient is the negative of the right one", -1};
}

/// The multiple of the numeric values that is closest to the tape's.
double multiple(const Evidence& evidence, const Fit& fit) {
    double product = 0;
    double squares = 0;
    for (std::size_t i = 0; i < evidence.tape.size(); ++i) {
        if (!fit.is_known(i)) continue;
        product += evidence.tape[i] * evidence.numeric[i];
        squares += evidence.numeric[i] * evidence.numeric[i];
    }
    return squares == 0 ? 0 : product / squares;
}

/// Names what a factor equals: extents, their reciprocals and squares.
std::string names_of_factor(const Evidence& evidence, double factor) {
    const double size = std::abs(factor);
    const auto equals = [size](double value) { return std::abs(size - value) <= 1e-4 * value; };
    std::vector<std::string> names;
    for (const auto& [name, extent] : evidence.extents) {
        if (extent < 2) continue;
        const auto value = static_cast<double>(extent);
        std::string text;
        if (equals(value)) text = name;
        if (equals(1 / value)) text = "1 / " + name;
        if (equals(value * value)) text = "the square of " + name;
        if (!text.empty() && names.size() < 4 && std::find(names.begin(), names.end(), text) == names.end())
            names.push_back(text);
    }
    if (names.empty()) return "";
    std::string text = ", which equals " + names.front();
    for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 < names.size() ? ", " : ", or ") + names[i];
    return text;
}

Maybe factor(const Evidence& evidence, const Fit& fit) {
    const double found = multiple(evidence, fit);
    if (found == 0 || !std::isfinite(found)) return {};
    Elements candidate = evidence.numeric;
    std::size_t informative = 0;
    for (std::size_t i = 0; i < candidate.size(); ++i) {
        candidate[i] *= found;
        informative += fit.is_known(i) && !fit.is_neutral(i) ? 1U : 0U;
    }
    if (!fit.fits(candidate)) return {};
    const std::string names = names_of_factor(evidence, found);
    const bool is_simple = std::abs(std::abs(found) - 2) < 2e-4 || std::abs(std::abs(found) - 0.5) < 5e-5;
    // Of one or two values any could be a multiple.
    if (informative < 3 && names.empty() && !is_simple) return {};
    return Diagnosed{Diagnosis::factor,
                     fmt::format("the gradient is {:.6g} times the right one{}", found, names), found};
}

Maybe transposed_result(const Evidence& evidence, const Fit& fit) {
    if (evidence.shape.rank() < 2 || !fit.fits(transposed(evidence.numeric, evidence.shape))) return {};
    return Diagnosed{Diagnosis::transposed,
                     "the gradient is the transposed of the right one, in its last two axes"};
}

/// The gradient by a Jacobian of which an axis of the input and one of the result are exchanged.
Elements by_exchanged_jacobian(const Evidence& evidence, const AxisLoops& in, const AxisLoops& out) {
    const std::size_t results = evidence.cotangent.size();
    Elements sums(evidence.tape.size(), 0);
    for (std::size_t i = 0; i < sums.size(); ++i)
        for (std::size_t o = 0; o < results; ++o) {
            const std::size_t from = in.moved(i, out.slice_of(o));
            const std::size_t to = out.moved(o, in.slice_of(i));
            sums[i] += evidence.cotangent[o] * evidence.jacobian[from * results + to];
        }
    return sums;
}

Elements by_transposed_jacobian(const Evidence& evidence) {
    const std::size_t n = evidence.cotangent.size();
    Elements sums(n, 0);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t o = 0; o < n; ++o) sums[i] += evidence.cotangent[o] * evidence.jacobian[o * n + i];
    return sums;
}

Maybe transposed_operand(const Evidence& evidence, const Fit& fit) {
    if (evidence.jacobian.empty() || evidence.results.size() != 1) return {};
    const Diagnosed found{Diagnosis::transposed,
                          "the gradient is what comes out if a matrix of the rule is not transposed, or "
                          "transposed where it should not be"};
    const Shape& in = evidence.shape;
    const Shape& out = evidence.results.front().shape;
    if (in.size() == out.size() && fit.fits(by_transposed_jacobian(evidence))) return found;
    for (std::size_t a = 0; a < in.rank(); ++a)
        for (std::size_t b = 0; b < out.rank(); ++b)
            if (in[a] == out[b] && in[a] > 1 &&
                fit.fits(by_exchanged_jacobian(evidence, AxisLoops(in, a), AxisLoops(out, b))))
                return found;
    return {};
}

Maybe exchanged(const Evidence& evidence, const Fit& fit) {
    for (const Evidence::Other& other : evidence.others)
        if (fit.fits(other.numeric))
            return Diagnosed{Diagnosis::exchanged,
                             fmt::format("the gradient is that by `{}`: two rules are exchanged, or use each "
                                         "other's argument",
                                         other.name)};
    return {};
}

Maybe axis_summed(const Evidence& evidence, const Fit& fit) {
    for (std::size_t axis = 0; axis < evidence.shape.rank(); ++axis) {
        const AxisLoops loops(evidence.shape, axis);
        if (loops.extent < 2) continue;
        Elements sums(evidence.numeric.size(), 0);
        for (std::size_t i = 0; i < sums.size(); ++i)
            for (std::size_t k = 0; k < loops.extent; ++k) sums[i] += evidence.numeric[loops.moved(i, k)];
        const bool is_sum = fit.fits(sums);
        for (double& element : sums) element /= static_cast<double>(loops.extent);
        if (is_sum || fit.fits(sums))
            return Diagnosed{Diagnosis::axis_summed,
                             fmt::format("the gradient is {} over its {}, which should be kept",
                                         is_sum ? "summed" : "averaged", axis_text(evidence.info, axis))};
    }
    return {};
}

Maybe cotangent_ignored(const Evidence& evidence, const Fit& fit) {
    if (evidence.jacobian.empty()) return {};
    const std::size_t results = evidence.cotangent.size();
    double total = 0;
    for (double element : evidence.cotangent) total += element;
    for (double weight : {1.0, total / static_cast<double>(results), total})
        if (fit.fits(gradient_by_jacobian(evidence, Elements(results, weight))))
            return Diagnosed{Diagnosis::cotangent_ignored,
                             weight == 1 ? "the gradient is what a cotangent of ones gives: the rule "
                                           "does not use the cotangent"
                                         : "the gradient is that of a cotangent which is the same for all "
                                           "elements: the rule uses only the cotangent's sum or mean"};
    return {};
}

constexpr std::array all_tests{not_finite,
                               nothing,
                               sign,
                               factor,
                               transposed_result,
                               exchanged,
                               order_of_input,
                               wrong_gates,
                               order_of_results,
                               slices_of_results,
                               transposed_operand,
                               axis_summed,
                               cotangent_ignored,
                               slices_of_input};

}  // namespace

std::string axis_text(const InputInfo& info, std::size_t axis) {
    const bool named = axis < info.axes.size() && !info.axes[axis].empty();
    return named ? fmt::format("axis {} ({})", axis, info.axes[axis]) : fmt::format("axis {}", axis);
}

std::optional<std::size_t> time_axis(const InputInfo& info) {
    const auto found = std::find(info.axes.begin(), info.axes.end(), "time");
    if (found == info.axes.end()) return {};
    return static_cast<std::size_t>(found - info.axes.begin());
}

std::optional<Diagnosed> diagnosed(const Evidence& evidence) {
    const Fit fit(evidence);
    for (const auto& test : all_tests)
        if (Maybe found = test(evidence, fit)) return found;
    return {};
}

std::optional<Diagnosed> explain_values(const Evidence& evidence) {
    const Fit fit(evidence);
    for (const auto& test : {nothing, sign, factor})
        if (Maybe found = test(evidence, fit)) return found;
    return {};
}

}  // namespace tapeloop::detail
