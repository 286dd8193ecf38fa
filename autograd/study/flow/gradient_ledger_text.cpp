#include <fmt/format.h>
#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/graph/table.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace tapeloop {

using namespace detail;

namespace {

// A wider matrix does not fit a terminal; distances are shown instead of it.
constexpr std::size_t widest_matrix = 10;

std::string matrix_csv(const GradientLedger& ledger, const Tensor<double>& matrix) {
    std::string text = "loss";
    for (const ParameterUse& use : ledger.uses) text += "," + detail::csv_field(use.label());
    text += "\n";
    for (std::size_t t = 0; t < ledger.losses.size(); ++t) {
        text += fmt::format("t={}", ledger.losses[t]);
        for (std::size_t k = 0; k < ledger.uses.size(); ++k) text += fmt::format(",{}", matrix(t, k));
        text += "\n";
    }
    return text;
}

/// `t=3`, or a letter for a use without a time step, which is explained above the table.
std::string column_title(const GradientLedger& ledger, std::size_t k) {
    return ledger.uses[k].time_step.has_value() ? ledger.uses[k].label() : fmt::format("use {}", k);
}

std::string matrix_text(const GradientLedger& ledger) {
    const bool has_further_loop = std::any_of(ledger.uses.begin(), ledger.uses.end(),
                                              [](const ParameterUse& use) { return use.loop > 0; });
    const std::size_t width = has_further_loop ? 15 : 10;
    std::string text = fmt::format("{:<10}", "  loss");
    for (std::size_t k = 0; k < ledger.uses.size(); ++k)
        text += fmt::format("{:>{}}", column_title(ledger, k), width);
    text += "\n";
    for (std::size_t t = 0; t < ledger.losses.size(); ++t) {
        text += fmt::format("{:<10}", fmt::format("  t={}", ledger.losses[t]));
        for (std::size_t k = 0; k < ledger.uses.size(); ++k)
            text += ledger.norms(t, k) == 0 ? fmt::format("{:>{}}", "0", width)
                                            : fmt::format("{:>{}.2e}", ledger.norms(t, k), width);
        text += "\n";
    }
    return text;
}

std::size_t size_of(std::ptrdiff_t distance) { return static_cast<std::size_t>(std::abs(distance)); }

std::string distance_text(const GradientLedger& ledger) {
    const std::vector<LedgerDistance> distances = ledger.by_distance();
    if (distances.empty()) return {};
    std::string text = "  by distance    pairs   mean norm     largest\n";
    detail::ShownRows shown(size_of(distances.back().distance));
    for (const LedgerDistance& one : distances)
        if (shown.next(size_of(one.distance), text))
            text += fmt::format("  {:>11}{:>9}{:>12.2e}{:>12.2e}\n", one.distance, one.pairs, one.mean,
                                one.largest);
    return text;
}

std::string outside_text(const GradientLedger& ledger) {
    std::string text;
    for (std::size_t k = 0; k < ledger.uses.size(); ++k) {
        if (ledger.uses[k].time_step.has_value()) continue;
        text += fmt::format(
            "  use {} serves all time steps at once and cannot be told apart by them: {}\n"
            "  (if it is the product with the inputs, done before the time loop, unroll with "
            "UnrollOptions::hoist = false\n  to have one in each step)\n",
            k, ledger.uses[k].label());
    }
    return text;
}

/// The one loop over time whose uses contribute; the first if none does, nothing if several do.
std::optional<std::size_t> contributing_loop(const GradientLedger& ledger) {
    std::set<std::size_t> loops;
    for (std::size_t t = 0; t < ledger.losses.size(); ++t)
        for (std::size_t k = 0; k < ledger.uses.size(); ++k)
            if (ledger.uses[k].time_step.has_value() && ledger.norms(t, k) != 0)
                loops.insert(ledger.uses[k].loop);
    if (loops.size() > 1) return {};
    return loops.empty() ? 0 : *loops.begin();
}

}  // namespace

bool GradientLedger::has_use_outside_time() const {
    return std::any_of(uses.begin(), uses.end(),
                       [](const ParameterUse& use) { return !use.time_step.has_value(); });
}

std::vector<LedgerDistance> GradientLedger::by_distance() const {
    const std::optional<std::size_t> loop = contributing_loop(*this);
    if (!loop.has_value()) return {};
    std::map<std::ptrdiff_t, LedgerDistance> distances;
    for (std::size_t t = 0; t < losses.size(); ++t)
        for (std::size_t k = 0; k < uses.size(); ++k) {
            if (!uses[k].time_step.has_value() || uses[k].loop != *loop) continue;
            const auto distance =
                static_cast<std::ptrdiff_t>(losses[t]) - static_cast<std::ptrdiff_t>(*uses[k].time_step);
            LedgerDistance& one =
                distances.try_emplace(distance, LedgerDistance{distance, 0, 0, 0}).first->second;
            ++one.pairs;
            one.mean += norms(t, k);
            one.largest = std::max(one.largest, norms(t, k));
        }
    // Where no loss depends on a later use, or none on an earlier one, that side says nothing.
    const auto side_is_zero = [&](bool future) {
        return std::all_of(distances.begin(), distances.end(), [&](const auto& entry) {
            return entry.first == 0 || (entry.first < 0) != future || entry.second.largest == 0;
        });
    };
    const bool no_future = side_is_zero(true);
    const bool no_past = !no_future && side_is_zero(false);
    std::vector<LedgerDistance> list;
    for (auto& [distance, one] : distances) {
        if ((no_future && distance < 0) || (no_past && distance > 0)) continue;
        one.mean /= static_cast<double>(one.pairs);
        list.push_back(one);
    }
    return list;
}

std::string GradientLedger::text() const {
    std::string text = fmt::format("Gradient ledger of {}: {} losses, {} uses, norm of the gradient {:.3e}\n",
                                   parameter.empty() ? "a parameter" : parameter, losses.size(), uses.size(),
                                   detail::norm_of(gradient));
    text += fmt::format("  the entries add up to the gradient within {:.1e}\n", deviation);
    text += outside_text(*this);
    if (!contributing_loop(*this).has_value())
        text += "  several loops over time use it, each of which counts its own steps: no distances\n";
    if (uses.size() <= widest_matrix && losses.size() <= 2 * widest_matrix) text += matrix_text(*this);
    return text + distance_text(*this);
}

std::string GradientLedger::csv() const { return matrix_csv(*this, norms); }
std::string GradientLedger::shares_csv() const { return matrix_csv(*this, shares); }

}  // namespace tapeloop
