#include <fmt/format.h>
#include <autograd/check/judge/input_comparison.hpp>
#include <autograd/check/judge/same_again.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

}  // namespace

std::size_t affordable_calls(std::size_t calls, std::size_t computed) {
    const auto most = static_cast<std::size_t>(most_computed / 8) / std::max<std::size_t>(computed, 1);
    return std::clamp<std::size_t>(most, 1, calls);
}

bool same_values(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
    double largest = 0;
    for (double element : a) largest = std::max(largest, std::isfinite(element) ? std::abs(element) : 0);
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](double x, double y) {
               return x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= tolerance * largest;
           });
}

template <class T>
std::optional<Finding> changed_again(Subject<T>& subject, const std::vector<double>& center, double tolerance,
                                     std::size_t calls, std::string_view when) {
    const Deadline deadline(1);
    std::vector<double> again;
    for (std::size_t n = 0; n < calls && !(n != 0 && deadline.is_over()); ++n) {
        subject.evaluate(again);
        if (same_values(center, again, tolerance)) continue;
        const std::string values =
            again.size() != center.size()
                ? fmt::format("{} and {} elements", center.size(), again.size())
                : fmt::format("values that differ by up to {:.3g}", largest_difference(center, again));
        return Finding{
            Diagnosis::non_deterministic, subject.order(), "",
            fmt::format("two calls of f with the same inputs {} gave {}; f must not draw fresh random "
                        "numbers or keep a state",
                        when, values)};
    }
    return {};
}

template std::optional<Finding> changed_again(Subject<float>&, const std::vector<double>&, double,
                                              std::size_t, std::string_view);
template std::optional<Finding> changed_again(Subject<double>&, const std::vector<double>&, double,
                                              std::size_t, std::string_view);

}  // namespace tapeloop::detail
