#include <fmt/format.h>
#include <autograd/check/locate/evidence.hpp>
#include <autograd/check/locate/region.hpp>
#include <autograd/check/locate/slices.hpp>

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

/// The extents over which the input acts on the results, or is repeated in them, and their product: those
/// that one of both has alone.
std::vector<std::size_t> extents_between(const Evidence& evidence) {
    std::vector<std::size_t> all;
    for (const Evidence::Result& result : evidence.results)
        for (const auto& [from, to] :
             {std::pair(evidence.shape, result.shape), std::pair(result.shape, evidence.shape)}) {
            std::vector<std::size_t> rest(from.begin(), from.end());
            for (const std::size_t extent : to)
                if (const auto same = std::find(rest.begin(), rest.end(), extent); same != rest.end())
                    rest.erase(same);
            std::size_t product = 1;
            for (const std::size_t extent : rest) product *= extent;
            all.insert(all.end(), rest.begin(), rest.end());
            all.push_back(product);
        }
    return all;
}

/// Names what a factor equals: one of these extents, or its reciprocal. Small numbers equal too much.
std::string name_of_factor(const Evidence& evidence, double factor) {
    const double size = std::abs(factor);
    const auto equals = [size](double value) { return std::abs(size - value) <= 1e-4 * value; };
    const std::vector<std::size_t> between = extents_between(evidence);
    for (const auto& [name, extent] : evidence.extents) {
        if (extent < 3 || std::find(between.begin(), between.end(), extent) == between.end()) continue;
        if (equals(static_cast<double>(extent))) return ", which equals " + name;
        if (equals(1 / static_cast<double>(extent))) return ", which equals 1 / " + name;
    }
    return "";
}

std::string text_of_factor(double factor) {
    const double above = factor - 1;
    if (std::abs(above) >= 5e-6) return fmt::format("{:.6g}", factor);
    return fmt::format("1 {} {:.2g}", above < 0 ? "-" : "+", std::abs(above));
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
    const std::string name = name_of_factor(evidence, found);
    const bool is_simple = std::abs(std::abs(found) - 2) < 2e-4 || std::abs(std::abs(found) - 0.5) < 5e-5;
    // Of one or two values any could be a multiple.
    if (informative < 3 && name.empty() && !is_simple) return {};
    return Diagnosed{Diagnosis::factor,
                     fmt::format("the gradient is {} times the right one{}", text_of_factor(found), name),
                     found};
}

/// Returns whether the right gradient is the same all along an axis: repeated there.
bool is_repeated(const Evidence& evidence, const Fit& fit, std::size_t axis) {
    const AxisLoops loops(evidence.shape, axis);
    for (std::size_t i = 0; i < evidence.numeric.size(); ++i)
        if (!fit.near(i, evidence.numeric[i], evidence.numeric[loops.moved(i, 0)])) return false;
    return true;
}

Maybe transposed_result(const Evidence& evidence, const Fit& fit) {
    for (std::size_t b = 1; b < evidence.shape.rank(); ++b)
        for (std::size_t a = 0; a < b; ++a) {
            if (evidence.shape[a] != evidence.shape[b] || evidence.shape[a] < 2) continue;
            if (!fit.fits(transposed(evidence.numeric, evidence.shape, a, b))) continue;
            if (is_repeated(evidence, fit, a) || is_repeated(evidence, fit, b))
                return Diagnosed{Diagnosis::wrong_axis,
                                 fmt::format("the gradient is repeated along the wrong one of {} and {}",
                                             axis_text(evidence.info, a), axis_text(evidence.info, b))};
            return Diagnosed{Diagnosis::transposed,
                             fmt::format("the gradient is the transposed of the right one, in {} and {}",
                                         axis_text(evidence.info, a), axis_text(evidence.info, b))};
        }
    return {};
}

/// What each element of the results contributes is summed up along other axes than it is.
Maybe summed_elsewhere(const Evidence& evidence, const Fit& fit) {
    const std::size_t size = evidence.tape.size();
    if (evidence.jacobian.empty() || size < 2 || evidence.results.size() != 1) return {};
    const std::size_t results = evidence.cotangent.size();
    Elements contributed(results, 0);
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t o = 0; o < results; ++o)
            contributed[o] += evidence.cotangent[o] * evidence.jacobian[i * results + o];
    const Shape& shape = evidence.results.front().shape;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
        const AxisLoops loops(shape, axis);
        if (loops.extent != size || results == size) continue;
        Elements sums(size, 0);
        for (std::size_t o = 0; o < results; ++o) sums[loops.slice_of(o)] += contributed[o];
        if (fit.fits(sums))
            return Diagnosed{Diagnosis::wrong_axis,
                             fmt::format("the gradient is summed over the wrong axes: what is kept is {} of "
                                         "the result, which belongs to another axis",
                                         axis_text(evidence.results.front().info, axis))};
    }
    return {};
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

/// Returns whether each element acts on one element of the results alone, and not on all of them: a part of
/// a concatenation does.
bool is_selected(const Evidence& evidence) {
    const std::size_t results = evidence.cotangent.size();
    if (evidence.jacobian.empty() || evidence.tape.size() >= results) return false;
    for (std::size_t i = 0; i < evidence.tape.size(); ++i)
        if (std::count_if(evidence.jacobian.begin() + static_cast<std::ptrdiff_t>(i * results),
                          evidence.jacobian.begin() + static_cast<std::ptrdiff_t>((i + 1) * results),
                          [](double element) { return std::abs(element) > 1e-6; }) != 1)
            return false;
    return true;
}

/// The gradient is that of another part of the result.
Maybe displaced(const Evidence& evidence, const Fit& fit) {
    if (!is_selected(evidence) || evidence.results.size() != 1) return {};
    const Evidence::Result& result = evidence.results.front();
    for (std::size_t axis = 0; axis < result.shape.rank(); ++axis) {
        const AxisLoops loops(result.shape, axis);
        for (std::size_t by = 1; by < loops.extent; ++by) {
            const Elements moved = rearranged(evidence.cotangent, [&](std::size_t o) {
                return std::optional<std::size_t>(loops.moved(o, (loops.slice_of(o) + by) % loops.extent));
            });
            if (fit.fits(gradient_by_jacobian(evidence, moved)))
                return Diagnosed{Diagnosis::exchanged,
                                 fmt::format("the gradient is that of another part of the result, along {}: "
                                             "parts are exchanged",
                                             axis_text(result.info, axis))};
        }
    }
    return {};
}

Maybe axis_summed(const Evidence& evidence, const Fit& fit) {
    for (std::size_t axis = 0; axis < evidence.shape.rank(); ++axis) {
        const AxisLoops loops(evidence.shape, axis);
        if (loops.extent < 2) continue;
        // In the first slice, from where all others get it: an axis may be as long as the input is large.
        Elements sums(evidence.numeric.size(), 0);
        for (std::size_t i = 0; i < sums.size(); ++i) sums[loops.moved(i, 0)] += evidence.numeric[i];
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = sums[loops.moved(i, 0)];
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
                               summed_elsewhere,
                               displaced,
                               order_of_input,
                               wrong_gates,
                               order_of_results,
                               slices_of_results,
                               transposed_operand,
                               axis_summed,
                               cotangent_ignored,
                               slices_of_input,
                               region_of_input,
                               elements_of_input};

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
