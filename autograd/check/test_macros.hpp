#pragma once

#include <autograd/check/check_gradient.hpp>

#include <string>
#include <string_view>

// What a test says is the same in every framework. The header of one includes this, and defines
//
//     TAPELOOP_TEST_CHECK(passed, text)      an assertion, and the text if it fails
//     TAPELOOP_TEST_REQUIRE(passed, text)    the same, which ends the test
//     TAPELOOP_TEST_WARN(text)               something to read, in a test that passes
//     TAPELOOP_TEST_FILTER()                 the command line's option that runs this test alone

/// One line in a test of yours:
///
///     CHECK_GRADIENT([](const auto& x, const auto& W) { return tanh(matmul(x, W)); }, {{"x", x}, {"W", W}});
///     CHECK_GRADIENT([&] { return loss(model); }, model.parameters(), {.order = 2});
///
/// It takes what `check_gradient` takes. The text of a failure is the whole report, with a line that runs
/// this test again with the same random numbers; warnings of a check that passes are messages. It comes with
/// the header of your test framework: `autograd/check/doctest.hpp`, `gtest.hpp` or `catch2.hpp`.
#define CHECK_GRADIENT(...) \
    TAPELOOP_CHECK_REPORT(::tapeloop::check_gradient(__VA_ARGS__), "check_gradient(" #__VA_ARGS__ ")")

/// Checks as CHECK_GRADIENT does, and ends the test where it fails.
#define REQUIRE_GRADIENT(...) \
    TAPELOOP_REQUIRE_REPORT(::tapeloop::check_gradient(__VA_ARGS__), "check_gradient(" #__VA_ARGS__ ")")

#define TAPELOOP_CHECK_REPORT(report, call) TAPELOOP_TEST_REPORT(TAPELOOP_TEST_CHECK, report, call)
#define TAPELOOP_REQUIRE_REPORT(report, call) TAPELOOP_TEST_REPORT(TAPELOOP_TEST_REQUIRE, report, call)

#define TAPELOOP_TEST_REPORT(assertion, report, call)                                               \
    do {                                                                                            \
        const auto tapeloop_report = report;                                                        \
        assertion(tapeloop_report.passed(),                                                         \
                  ::tapeloop::detail::failure_text(tapeloop_report, call, TAPELOOP_TEST_FILTER())); \
        if (tapeloop_report.passed() && !tapeloop_report.warnings.empty())                          \
            TAPELOOP_TEST_WARN(::tapeloop::detail::warning_text(tapeloop_report, call));            \
    } while (false)

namespace tapeloop::detail {

/// How this program was called.
std::string program_name();
/// A word as a shell takes it, in quotes.
std::string shell_word(std::string_view word);

/// A check's report, and how to run this test again with the same random numbers.
template <class Report>
std::string failure_text(const Report& report, const std::string& call, const std::string& filter) {
    std::string text =
        call + "\n" + report.text() + "  again: TAPELOOP_CHECK_SEED=" + std::to_string(report.seed);
    if (!filter.empty()) text += " " + program_name() + " " + filter;
    return text;
}

/// The warnings of a check, which the report's text has as well.
template <class Report>
std::string warning_text(const Report& report, const std::string& call) {
    std::string text = call;
    for (const std::string& warning : report.warnings) text += "\n  " + warning;
    return text;
}

}  // namespace tapeloop::detail
