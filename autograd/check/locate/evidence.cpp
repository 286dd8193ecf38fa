#include <fmt/format.h>
#include <autograd/check/locate/evidence.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {

Elements gradient_by_jacobian(const Evidence& evidence, const Elements& cotangent) {
    const std::size_t results = cotangent.size();
    Elements sums(evidence.tape.size(), 0);
    for (std::size_t i = 0; i < sums.size(); ++i)
        for (std::size_t o = 0; o < results; ++o)
            sums[i] += cotangent[o] * evidence.jacobian[i * results + o];
    return sums;
}

Elements rearranged(const Elements& x, const std::function<std::optional<std::size_t>(std::size_t)>& from) {
    Elements result(x.size(), 0);
    for (std::size_t i = 0; i < x.size(); ++i)
        if (const std::optional<std::size_t> source = from(i)) result[i] = x[*source];
    return result;
}

Elements transposed(const Elements& x, const Shape& shape, std::size_t a, std::size_t b) {
    const AxisLoops first(shape, a);
    const AxisLoops second(shape, b);
    return rearranged(x, [&](std::size_t i) -> std::optional<std::size_t> {
        return second.moved(first.moved(i, second.slice_of(i)), first.slice_of(i));
    });
}

void add_extents(std::vector<Evidence::Extent>& extents, const std::string& name, const Shape& shape,
                 const InputInfo& info) {
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
        const std::string axis_name = axis < info.axes.size() ? info.axes[axis] : "";
        const std::string text = axis_name == "time" ? "the number of time steps"
                                 : axis_name == "batch"
                                     ? "the batch size"
                                     : fmt::format("the extent of {} of {}", axis_text(info, axis), name);
        extents.push_back({fmt::format("{} ({})", text, shape[axis]), shape[axis]});
    }
    if (shape.rank() > 1)
        extents.push_back({fmt::format("the size of {} ({})", name, shape.size()), shape.size()});
}

Fit::Fit(const Evidence& evidence) : evidence_(evidence) {
    for (std::size_t i = 0; i < evidence.numeric.size(); ++i) {
        if (!is_known(i)) continue;
        scale_ = std::max(scale_, std::abs(evidence.numeric[i]));
        const double apart = evidence.tape[i] - evidence.numeric[i];
        unexplained_ += apart * apart;
    }
}

// What hypotheses are made of are differences too: a little more room than for the check itself.
bool Fit::near(std::size_t i, double a, double b) const {
    return std::abs(a - b) <= 2 * evidence_.tolerance[i] + 1e-5 * scale_;
}

// A class that leaves as much open as the right gradient does explains nothing.
bool Fit::fits(const Elements& candidate) const {
    double open = 0;
    for (std::size_t i = 0; i < candidate.size(); ++i) {
        if (!is_known(i)) continue;
        if (!near(i, evidence_.tape[i], candidate[i])) return false;
        const double apart = evidence_.tape[i] - candidate[i];
        open += apart * apart;
    }
    return open <= unexplained_ / 16;
}

bool Fit::is_right(std::size_t i) const {
    return std::abs(evidence_.tape[i] - evidence_.numeric[i]) <= evidence_.tolerance[i];
}

bool Fit::is_neutral(std::size_t i) const {
    return near(i, evidence_.tape[i], 0) && near(i, evidence_.numeric[i], 0);
}

}  // namespace tapeloop::detail
