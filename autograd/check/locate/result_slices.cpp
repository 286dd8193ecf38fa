#include <fmt/format.h>
#include <autograd/check/locate/slice_names.hpp>
#include <autograd/check/locate/slices.hpp>

#include <cmath>

namespace tapeloop::detail {
namespace {

/// One axis of one of the results, whose elements start at `offset` of all results.
struct ResultAxis {
    const Evidence::Result& result;
    std::size_t offset;
    std::size_t axis;
    AxisLoops loops;

    bool contains(std::size_t o) const { return o >= offset && o < offset + loops.size(); }
    std::size_t slice_of(std::size_t o) const { return loops.slice_of(o - offset); }
    bool is_time() const { return detail::is_time(result.info, axis); }
};

std::vector<ResultAxis> axes_of_results(const Evidence& evidence) {
    std::vector<ResultAxis> axes;
    std::size_t offset = 0;
    for (const Evidence::Result& result : evidence.results) {
        for (std::size_t axis = 0; axis < result.shape.rank(); ++axis)
            if (result.shape[axis] > 1) axes.push_back({result, offset, axis, AxisLoops(result.shape, axis)});
        offset += result.shape.size();
    }
    return axes;
}

/// Returns the contribution of each slice of the result to the gradient.
std::vector<Elements> contributions_of(const Evidence& evidence, const ResultAxis& axis) {
    const std::size_t results = evidence.cotangent.size();
    std::vector<Elements> parts(axis.loops.extent, Elements(evidence.tape.size(), 0));
    for (std::size_t i = 0; i < evidence.tape.size(); ++i)
        for (std::size_t o = axis.offset; o < axis.offset + axis.loops.size(); ++o)
            parts[axis.slice_of(o)][i] += evidence.cotangent[o] * evidence.jacobian[i * results + o];
    return parts;
}

Elements without(const Elements& whole, const Elements& part) {
    Elements rest = whole;
    for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= part[i];
    return rest;
}

/// Returns whether several slices of the result act on the same elements, so that a sum is due.
bool is_a_sum(const Evidence& evidence, const Fit& fit, const Elements& part) {
    for (std::size_t i = 0; i < part.size(); ++i)
        if (fit.is_known(i) && std::abs(part[i]) > 1e-5 * fit.scale() &&
            !fit.near(i, part[i], evidence.numeric[i]))
            return true;
    return false;
}

std::optional<Diagnosed> only_slice(const Evidence& evidence, const Fit& fit, const ResultAxis& axis,
                                    std::size_t k, const Elements& part) {
    const InputInfo& info = axis.result.info;
    const std::string text =
        fmt::format("only {} of the result contributes to the gradient", steps_text({k}, info, axis.axis));
    if (axis.is_time() && k == 0) return Diagnosed{Diagnosis::first_step_only, text};
    if (axis.is_time() && k + 1 == axis.loops.extent) return Diagnosed{Diagnosis::last_step_only, text};
    if (axis.is_time()) return Diagnosed{Diagnosis::time_step, text};
    if (!is_a_sum(evidence, fit, part)) return {};  // then it is a matter of the input's slices
    return Diagnosed{Diagnosis::axis_not_summed, text + "; the sum over them is missing"};
}

std::optional<Diagnosed> missing_slices(const Evidence& evidence, const Fit& fit, const ResultAxis& axis,
                                        const std::vector<Elements>& parts) {
    const auto found = [&](const Slices& slices) {
        return Diagnosed{axis.is_time() ? Diagnosis::time_step_missing : Diagnosis::part,
                         fmt::format("{} of the result {} nothing to the gradient",
                                     steps_text(slices, axis.result.info, axis.axis),
                                     slices.size() == 1 ? "contributes" : "contribute")};
    };
    for (std::size_t k = 0; k < parts.size(); ++k)
        if ((axis.is_time() || is_a_sum(evidence, fit, parts[k])) &&
            fit.fits(without(evidence.numeric, parts[k])))
            return found({k});
    // A sum that starts late or stops early.
    for (const bool from_front : {true, false}) {
        Elements rest = evidence.numeric;
        Slices slices;
        for (std::size_t count = 0; count + 1 < parts.size(); ++count) {
            const std::size_t k = from_front ? count : parts.size() - 1 - count;
            rest = without(rest, parts[k]);
            slices.insert(from_front ? slices.end() : slices.begin(), k);
            if (count > 0 && axis.is_time() && fit.fits(rest)) return found(slices);
        }
    }
    return {};
}

}  // namespace

std::optional<Diagnosed> order_of_results(const Evidence& evidence, const Fit& fit) {
    if (evidence.jacobian.empty()) return {};
    for (const ResultAxis& axis : axes_of_results(evidence)) {
        const auto with_slices_from = [&](const auto& source) {
            return fit.fits(gradient_by_jacobian(
                evidence, rearranged(evidence.cotangent, [&](std::size_t o) -> std::optional<std::size_t> {
                    if (!axis.contains(o)) return o;
                    const std::ptrdiff_t from = source(static_cast<std::ptrdiff_t>(axis.slice_of(o)));
                    if (from < 0 || from >= static_cast<std::ptrdiff_t>(axis.loops.extent)) return {};
                    return axis.offset + axis.loops.moved(o - axis.offset, static_cast<std::size_t>(from));
                })));
        };
        const auto last = static_cast<std::ptrdiff_t>(axis.loops.extent) - 1;
        const std::string what = noun(axis.result.info, axis.axis);
        const auto found = [&](std::string_view how) {
            return Diagnosed{order_along(axis.result.info, axis.axis),
                             fmt::format("the {} of the result's cotangent are taken {}", what, how)};
        };
        if (with_slices_from([last](std::ptrdiff_t k) { return last - k; })) return found("in reverse order");
        if (last < 2) continue;
        if (with_slices_from([](std::ptrdiff_t k) { return k - 1; }) ||
            with_slices_from([last](std::ptrdiff_t k) { return k == 0 ? last : k - 1; }))
            return found("from the one before");
        if (with_slices_from([](std::ptrdiff_t k) { return k + 1; }) ||
            with_slices_from([last](std::ptrdiff_t k) { return k == last ? 0 : k + 1; }))
            return found("from the one behind");
    }
    return {};
}

std::optional<Diagnosed> slices_of_results(const Evidence& evidence, const Fit& fit) {
    if (evidence.jacobian.empty()) return {};
    for (const ResultAxis& axis : axes_of_results(evidence)) {
        const std::vector<Elements> parts = contributions_of(evidence, axis);
        for (std::size_t k = 0; k < parts.size(); ++k)
            if (fit.fits(parts[k]))
                if (auto found = only_slice(evidence, fit, axis, k, parts[k])) return found;
        if (auto found = missing_slices(evidence, fit, axis, parts)) return found;
    }
    return {};
}

}  // namespace tapeloop::detail
