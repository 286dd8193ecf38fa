#include <fmt/format.h>
#include <autograd/study/explain/size_culprits.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace tapeloop::detail {
namespace {

constexpr double all_decades = std::numeric_limits<double>::infinity();
// Less than this many powers of ten are no culprit.
constexpr double least_decades = 0.3;
constexpr std::size_t most_culprits = 5;
// What several users hand back cancels when this little of one part is left.
constexpr double cancelled = 0.1;
// A product of steps is long from this many on, if none of them does this share of it.
constexpr std::size_t long_path = 8;
constexpr double large_share = 0.34;

double decades(double from, double to) {
    if (from > 0 && to > 0 && std::isfinite(from) && std::isfinite(to)) return std::log10(to / from);
    return from > 0 && to == 0 ? -all_decades : 0;
}

bool is_averaging(const PathStep& step) { return step.cause == Cause::averaging; }

/// Returns the change, in decades, of a contribution where it meets those of other users.
double decades_of_sum(const PathStep& step) { return decades(step.out, step.sum); }

/// Returns the change, in decades, by a step, its sum included, but for averages.
double decades_of(const PathStep& step) {
    if (step.kind == OperationKind::result) return 0;
    return (is_averaging(step) ? 0 : decades(step.in, step.out)) + decades_of_sum(step);
}

/// All steps of one operation with one cause.
struct Group {
    double decades = 0;
    std::size_t steps = 0;
    const PathStep* largest = nullptr;
    double most = 0;

    void add(const PathStep& step, double change) {
        decades += change;
        ++steps;
        if (largest != nullptr && std::abs(change) <= std::abs(most)) return;
        largest = &step;
        most = change;
    }
};

std::string text_of_end(const PathStep& step) {
    return fmt::format("{}: nothing passes {}{}{}", name_of(step.cause), step.place,
                       step.finding.empty() ? "" : "; ", step.finding);
}

std::string text_of(Cause cause, const Group& group) {
    const PathStep& step = *group.largest;
    const std::string finding = step.finding.empty() ? "" : "; " + step.finding;
    if (group.steps == 1)
        return fmt::format("{}: {} changes it by a factor of {:.2g}{}", name_of(cause), step.place,
                           std::pow(10, group.decades), finding);
    return fmt::format("{}: {} in {} steps, a factor of {:.2g} each; most at {}{}", name_of(cause),
                       step.operation, group.steps,
                       std::pow(10, group.decades / static_cast<double>(group.steps)), step.place, finding);
}

std::string text_of_sum(Cause cause, const Group& group) {
    const PathStep& step = *group.largest;
    return fmt::format("{}: what {} hands back, {:.1e}, and what the others do add up to {:.1e}",
                       name_of(cause), step.place, step.out, step.sum);
}

/// The product over time steps, if there are many and none of them does most of it.
std::optional<Culprit> long_product(const std::vector<PathStep>& path) {
    std::map<std::size_t, Group> steps;
    for (const PathStep& step : path) {
        const double change = decades_of(step);
        if (step.time_step.has_value() && step.in > 0 && std::isfinite(change))
            steps[*step.time_step].add(step, change);
    }
    if (steps.size() < long_path) return {};
    Group all_steps;
    for (const auto& [t, group] : steps) all_steps.add(*group.largest, group.decades);
    const double total = all_steps.decades;
    if (std::abs(total) < 1 || std::abs(all_steps.most) > large_share * std::abs(total)) return {};
    const double factor = std::pow(10, total / static_cast<double>(steps.size()));
    return Culprit{
        Cause::long_product, all_steps.largest->node,
        fmt::format("long product: it {} by a factor of {:.2f} per step over {} steps, t={} to t={}",
                    total < 0 ? "shrinks" : "grows", factor, steps.size(), steps.rbegin()->first,
                    steps.begin()->first),
        total, steps.size()};
}

/// Steps that say by themselves what is wrong; the others are ordinary factors of a product.
bool is_specific(Cause cause) {
    return cause != Cause::slope && cause != Cause::weights && cause != Cause::accumulation &&
           cause != Cause::factor;
}

/// Returns whether the first culprit does most of a product and says more.
bool is_said(const std::vector<Culprit>& culprits, const Culprit& product) {
    return !culprits.empty() && is_specific(culprits.front().cause) &&
           !std::isinf(culprits.front().decades) &&
           std::abs(culprits.front().decades) > std::abs(product.decades) / 2;
}

Culprit::Place place_of(bool is_timed) { return is_timed ? Culprit::Place::part : Culprit::Place::whole; }

/// Puts it first, or behind what ends the path, with its parts behind it.
void insert_product(std::vector<Culprit>& culprits, Culprit product) {
    for (Culprit& one : culprits)
        if (std::isinf(one.decades)) one.place = Culprit::Place::whole;
    const auto ends = std::stable_partition(culprits.begin(), culprits.end(),
                                            [](const Culprit& one) { return std::isinf(one.decades); });
    std::stable_partition(ends, culprits.end(),
                          [](const Culprit& one) { return one.place == Culprit::Place::part; });
    culprits.insert(ends, std::move(product));
}

}  // namespace

std::vector<Culprit> culprits_of_size(const std::vector<PathStep>& path, GradientSize size) {
    std::vector<Culprit> culprits;
    // Those in time steps apart: a long product is made of them.
    std::map<std::tuple<std::string, Cause, bool>, Group> groups;
    std::map<std::pair<Cause, bool>, Group> sums;
    for (const PathStep& step : path) {
        const bool is_timed = step.time_step.has_value();
        const double change = decades(step.in, step.out);
        const double sum_change = step.kind == OperationKind::result ? 0 : decades_of_sum(step);
        if (change == -all_decades)
            culprits.push_back({step.cause, step.node, text_of_end(step), change});
        else if (!is_averaging(step))
            groups[{step.operation, step.cause, is_timed}].add(step, change);
        if (std::abs(sum_change) > least_decades)
            sums[{step.sum < cancelled * step.out ? Cause::cancellation : Cause::accumulation, is_timed}].add(
                step, sum_change);
    }
    for (const auto& [key, group] : groups)
        if (std::abs(group.decades) > least_decades)
            culprits.push_back({std::get<Cause>(key), group.largest->node,
                                text_of(std::get<Cause>(key), group), group.decades, group.steps,
                                place_of(std::get<bool>(key))});
    for (const auto& [key, group] : sums)
        culprits.push_back({key.first, group.largest->input, text_of_sum(key.first, group), group.decades,
                            group.steps, place_of(key.second)});

    const double wanted = size == GradientSize::huge ? -1 : size == GradientSize::usual ? 0 : 1;
    std::stable_sort(culprits.begin(), culprits.end(), [wanted](const Culprit& a, const Culprit& b) {
        return wanted == 0 ? std::abs(a.decades) > std::abs(b.decades)
                           : wanted * a.decades < wanted * b.decades;
    });
    std::optional<Culprit> product = long_product(path);
    if (product.has_value() && is_said(culprits, *product)) product.reset();
    if (culprits.size() > most_culprits) culprits.resize(most_culprits);
    if (product.has_value()) {
        insert_product(culprits, std::move(*product));
    } else {
        for (Culprit& one : culprits) one.place = Culprit::Place::whole;
    }
    return culprits;
}

double decades_along(const std::vector<PathStep>& path) {
    double sum = 0;
    for (const PathStep& step : path) sum += decades_of(step);
    return sum;
}

}  // namespace tapeloop::detail
