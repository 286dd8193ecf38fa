#pragma once

#include <autograd/check/doctest.hpp>
#include <nn/check/check_cell.hpp>

#include <string>

/// One line in a test of yours: the cell does all that every cell must do.
///
///     CHECK_CELL(MyCell<double>(3, 5, generator), 3);
///
/// It takes what `nn::check_cell` takes. The text of a failure is the whole report, with a line that runs
/// this test again with the same random numbers.
#define CHECK_CELL(...)                                                                             \
    do {                                                                                            \
        const ::tapeloop::nn::CellReport tapeloop_report = ::tapeloop::nn::check_cell(__VA_ARGS__); \
        DOCTEST_CHECK_MESSAGE(tapeloop_report.passed(),                                             \
                              ::tapeloop::nn::detail::failure_text(tapeloop_report, #__VA_ARGS__)); \
    } while (false)

namespace tapeloop::nn::detail {

/// The report, and how to see it again.
inline std::string failure_text(const CellReport& report, const std::string& call) {
    return "check_cell(" + call + ")\n" + report.text() + tapeloop::detail::again_text(report.seed);
}

}  // namespace tapeloop::nn::detail
