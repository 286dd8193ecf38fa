#include <fmt/format.h>
#include <autograd/check/evidence.hpp>

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

Elements transposed(const Elements& x, const Shape& shape) {
    const std::size_t columns = shape.back();
    const std::size_t rows = shape[shape.rank() - 2];
    return rearranged(x, [&](std::size_t i) -> std::optional<std::size_t> {
        const std::size_t matrix = i / (rows * columns);
        const std::size_t within = i % (rows * columns);
        return matrix * rows * columns + within % rows * columns + within / rows;
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
    for (std::size_t i = 0; i < evidence.numeric.size(); ++i)
        if (is_known(i)) scale_ = std::max(scale_, std::abs(evidence.numeric[i]));
}

// What hypotheses are made of are differences too: a little more room than for the check itself.
bool Fit::near(std::size_t i, double a, double b) const {
    return std::abs(a - b) <= 2 * evidence_.tolerance[i] + 1e-5 * scale_;
}

bool Fit::fits(const Elements& candidate) const {
    for (std::size_t i = 0; i < candidate.size(); ++i)
        if (is_known(i) && !near(i, evidence_.tape[i], candidate[i])) return false;
    return true;
}

bool Fit::is_right(std::size_t i) const {
    return std::abs(evidence_.tape[i] - evidence_.numeric[i]) <= evidence_.tolerance[i];
}

bool Fit::is_neutral(std::size_t i) const {
    return near(i, evidence_.tape[i], 0) && near(i, evidence_.numeric[i], 0);
}

}  // namespace tapeloop::detail
