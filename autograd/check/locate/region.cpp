#include <fmt/format.h>
#include <autograd/check/locate/region.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapeloop::detail {
namespace {

// So unlikely must it be that wrong and right elements lie apart by chance, in any of the six ways below.
constexpr double least_ways = 6 * 50;

struct Range {
    double least = std::numeric_limits<double>::infinity();
    double most = -std::numeric_limits<double>::infinity();

    void add(double x) {
        least = std::min(least, x);
        most = std::max(most, x);
    }
};

/// Returns in how many ways `some` of `all` can be chosen, at most about `least_ways`.
double ways_to_choose(std::size_t some, std::size_t all) {
    double ways = 1;
    for (std::size_t k = 1; k <= std::min(some, all - some) && ways < least_ways; ++k)
        ways *= static_cast<double>(all - k + 1) / static_cast<double>(k);
    return ways;
}

}  // namespace

std::optional<Diagnosed> region_of_input(const Evidence& evidence, const Fit& fit) {
    if (evidence.values.size() != evidence.tape.size()) return {};
    Range wrong;
    Range right;
    Range wrong_size;
    Range right_size;
    std::size_t wrong_count = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < evidence.tape.size(); ++i) {
        if (!fit.is_known(i) || (fit.is_right(i) && fit.is_neutral(i))) continue;
        const double x = evidence.values[i];
        (fit.is_right(i) ? right : wrong).add(x);
        (fit.is_right(i) ? right_size : wrong_size).add(std::abs(x));
        wrong_count += fit.is_right(i) ? 0U : 1U;
        ++count;
    }
    if (wrong_count == count || ways_to_choose(wrong_count, count) < least_ways) return {};
    const auto found = [](const std::string& where) {
        return Diagnosed{Diagnosis::region, "the gradient is wrong only where the argument is " + where};
    };
    if (wrong.most <= 0 && right.least >= 0) return found("negative");
    if (wrong.least >= 0 && right.most <= 0) return found("positive");
    if (wrong.most < right.least) return found(fmt::format("{:.4g} or less", wrong.most));
    if (wrong.least > right.most) return found(fmt::format("{:.4g} or more", wrong.least));
    if (wrong_size.least > right_size.most)
        return found(fmt::format("of size {:.4g} or more", wrong_size.least));
    if (wrong_size.most < right_size.least)
        return found(fmt::format("of size {:.4g} or less", wrong_size.most));
    return {};
}

}  // namespace tapeloop::detail
