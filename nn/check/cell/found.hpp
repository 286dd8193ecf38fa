#pragma once

#include <nn/check/cell/cell_report.hpp>

namespace tapeloop::nn::detail {

/// The finding of one item of the check.
struct Found {
    CellVerdict verdict = CellVerdict::passed;
    std::string text = {};
};

/// The largest difference by rounding between two ways to the same numbers, relative to their size.
template <class T>
inline constexpr double way_rounding = sizeof(T) == sizeof(double) ? 1e-9 : 1e-3;

/// Returns the finding of a comparison: passed with `text`, or the difference and what to do about it.
Found judged(const std::string& difference, std::string text, std::string_view advice);

}  // namespace tapeloop::nn::detail
