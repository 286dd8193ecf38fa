#pragma once

#include <autograd/check/check_gradient.hpp>

#include <doctest/doctest.h>

#include <string>

/// One line in a test of yours:
///
///     CHECK_GRADIENT([](const auto& x, const auto& W) { return tanh(matmul(x, W)); }, {{"x", x}, {"W", W}});
///     CHECK_GRADIENT([&] { return loss(model); }, model.parameters(), {.order = 2});
///
/// It takes what `check_gradient` takes. The text of a failure is the whole report, with a line that runs
/// this test again with the same random numbers; warnings of a check that passes are messages.
#define CHECK_GRADIENT(...) \
    TAPELOOP_CHECK_REPORT(::tapeloop::check_gradient(__VA_ARGS__), "check_gradient(" #__VA_ARGS__ ")")

/// Checks as CHECK_GRADIENT does, and ends the test case where it fails.
#define REQUIRE_GRADIENT(...) \
    TAPELOOP_REQUIRE_REPORT(::tapeloop::check_gradient(__VA_ARGS__), "check_gradient(" #__VA_ARGS__ ")")

#define TAPELOOP_CHECK_REPORT(report, text)                                             \
    do {                                                                                \
        const auto tapeloop_report = report;                                            \
        DOCTEST_CHECK_MESSAGE(tapeloop_report.passed(),                                 \
                              ::tapeloop::detail::failure_text(tapeloop_report, text)); \
        TAPELOOP_WARN_REPORT(tapeloop_report, text);                                    \
    } while (false)

#define TAPELOOP_REQUIRE_REPORT(report, text)                                             \
    do {                                                                                  \
        const auto tapeloop_report = report;                                              \
        DOCTEST_REQUIRE_MESSAGE(tapeloop_report.passed(),                                 \
                                ::tapeloop::detail::failure_text(tapeloop_report, text)); \
        TAPELOOP_WARN_REPORT(tapeloop_report, text);                                      \
    } while (false)

// The text of a failure has the warnings as well. Not doctest's warning assertion, which JUnit's report has
// for a failure.
#define TAPELOOP_WARN_REPORT(report, text)           \
    if (report.passed() && !report.warnings.empty()) \
    DOCTEST_MESSAGE(::tapeloop::detail::warning_text(report, text))

namespace tapeloop::detail {

/// A test's name as a filter of names in quotes: `?`, any character, for those that would end either.
inline std::string filter_for(std::string name) {
    for (char& character : name)
        if (character == ',' || character == '\'' || character == '\\') character = '?';
    return name;
}

/// A check's report, and how to run this test again with the same random numbers.
template <class Report>
std::string failure_text(const Report& report, const std::string& call) {
    std::string text =
        call + "\n" + report.text() + "  again: TAPELOOP_CHECK_SEED=" + std::to_string(report.seed);
    const doctest::ContextOptions* options = doctest::getContextOptions();
    if (options == nullptr || options->currentTest == nullptr) return text;
    return text + " " + options->binary_name.c_str() + " --test-case='" +
           filter_for(options->currentTest->m_name) + "'";
}

template <class Report>
std::string warning_text(const Report& report, const std::string& call) {
    std::string text = call;
    for (const std::string& warning : report.warnings) text += "\n  " + warning;
    return text;
}

}  // namespace tapeloop::detail
