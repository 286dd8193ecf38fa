#include <fmt/format.h>
#include <autograd/check/judge/differences.hpp>
#include <nn/check/deviation.hpp>
#include <nn/check/run_comparison.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::nn::detail {
namespace {

bool differ(double a, double b, double limit) {
    return !(a == b || std::abs(a - b) <= limit || (std::isnan(a) && std::isnan(b)));
}

struct FirstDifference {
    const RunNames& names;
    double tolerance;
    std::string text;

    void compare(const std::string& name, const Tensor<double>& a, const Tensor<double>& b, double size) {
        if (text.empty()) text = difference(name, a, b, names, tolerance, size);
    }
};

double size_at(const std::vector<double>& sizes, std::size_t k) { return k < sizes.size() ? sizes[k] : 0; }

}  // namespace

double largest_finite(const Tensors& tensors) {
    double largest = 0;
    for (const Tensor<double>& tensor : tensors)
        for (double element : tensor)
            if (std::isfinite(element)) largest = std::max(largest, std::abs(element));
    return largest;
}

std::string difference(const std::string& name, const Tensor<double>& a, const Tensor<double>& b,
                       const RunNames& names, double tolerance, double size) {
    if (a.shape() != b.shape())
        return fmt::format("{}: {} {}, {} {}", name, shape_of(a).text(), names.first, shape_of(b).text(),
                           names.second);
    const double largest = std::max(size, largest_finite({a}));
    for (std::size_t i = 0; i < a.size(); ++i)
        if (differ(a.data()[i], b.data()[i], tolerance * largest))
            return fmt::format("{} at {}: {:.6g} {}, {:.6g} {}", name,
                               place_text(tapeloop::detail::position_of(i, shape_of(a))), a.data()[i],
                               names.first, b.data()[i], names.second);
    return "";
}

void RunComparison::clear_sums(CellRun& run) const {
    for (Tensor<double>& one : run.by_parameter) one.fill(0);
    for (std::size_t k = 0; k < run.by_state.size(); ++k)
        if (!is_batched[k]) run.by_state[k].fill(0);
}

std::string RunComparison::difference_of_rows(const CellRun& a, const CellRun& b, const RunNames& names,
                                              double tolerance) const {
    FirstDifference found{names, tolerance, {}};
    found.compare("outputs", a.outputs, b.outputs, sizes.values);
    for (std::size_t k = 0; k < a.state.size(); ++k)
        found.compare("final " + state_names[k], a.state[k], b.state[k], sizes.values);
    found.compare("gradient by x", a.by_x, b.by_x, sizes.by_x);
    for (std::size_t k = 0; k < a.by_state.size(); ++k)
        if (is_batched[k])
            found.compare("gradient by the initial " + state_names[k], a.by_state[k], b.by_state[k],
                          size_at(sizes.by_state, k));
    return found.text;
}

std::string RunComparison::difference_of_sums(const CellRun& a, const CellRun& b, const RunNames& names,
                                              double tolerance) const {
    FirstDifference found{names, tolerance, {}};
    for (std::size_t k = 0; k < a.by_parameter.size(); ++k)
        found.compare("gradient by " + parameter_names[k], a.by_parameter[k], b.by_parameter[k],
                      size_at(sizes.by_parameter, k));
    for (std::size_t k = 0; k < a.by_state.size(); ++k)
        if (!is_batched[k])
            found.compare("gradient by the initial " + state_names[k], a.by_state[k], b.by_state[k],
                          size_at(sizes.by_state, k));
    return found.text;
}

std::string RunComparison::difference(const CellRun& a, const CellRun& b, const RunNames& names,
                                      double tolerance) const {
    const std::string found = difference_of_rows(a, b, names, tolerance);
    return found.empty() ? difference_of_sums(a, b, names, tolerance) : found;
}

}  // namespace tapeloop::nn::detail
