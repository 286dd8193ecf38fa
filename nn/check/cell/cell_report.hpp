#pragma once

#include <autograd/check/report.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::nn {

/// A report's verdict on one item.
enum class CellVerdict { passed, failed, not_applicable };

/// One of the things that a cell must do.
struct CellItem {
    std::string name;
    CellVerdict verdict = CellVerdict::passed;
    std::string text;  ///< what was found, and what to do about a failure
};

/// The findings of `check_cell`, as a value.
struct CellReport {
    std::uint64_t seed = 0;
    std::size_t time_steps = 0;
    std::size_t batch = 0;
    std::size_t inputs = 0;  ///< how wide x is
    bool in_double = true;
    std::vector<CellItem> items;
    /// The gradients by x, the initial state (`state`, or `state[0]`, ...) and every parameter against
    /// differences: of both orders, if the second was asked for and there is one.
    GradientReport gradient;
    std::vector<std::string> warnings;

    /// Returns whether no item failed.
    bool passed() const;
    /// The item of that name. Throws `std::invalid_argument` when there is none.
    const CellItem& operator[](std::string_view name) const;
    /// The names of those that failed.
    std::vector<std::string> failed() const;
    /// The report for people: one line an item, and the gradient's own report where that failed.
    std::string text() const;
};

/// The report for other programs, as JSON:
///
///     {"format": "tapeloop cell report", "version": 1,
///      "passed": false, "seed": 1, "type": "double",
///      "time_steps": 4, "batch": 3, "inputs": 2,
///      "items": [{"name": "same bits", "verdict": "passed",      or "failed", "not applicable"
///                 "text": "..."}, ...],
///      "gradient": {...},                            as `to_json` of a `GradientReport` writes it
///      "warnings": ["...", ...]}
std::string to_json(const CellReport& report);

}  // namespace tapeloop::nn
