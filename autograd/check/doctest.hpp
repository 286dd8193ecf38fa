#pragma once

#include <autograd/check/test_macros.hpp>

#include <doctest/doctest.h>

// CHECK_GRADIENT and REQUIRE_GRADIENT for doctest.

#define TAPELOOP_TEST_CHECK(passed, text) DOCTEST_CHECK_MESSAGE(passed, text)
#define TAPELOOP_TEST_REQUIRE(passed, text) DOCTEST_REQUIRE_MESSAGE(passed, text)
// Not doctest's warning assertion, which JUnit's report has for a failure.
#define TAPELOOP_TEST_WARN(text) DOCTEST_MESSAGE(text)
#define TAPELOOP_TEST_FILTER() ::tapeloop::detail::doctest_filter()

namespace tapeloop::detail {

/// A test's name as a filter of names in quotes: `?`, any character, for those that would end either.
inline std::string filter_for(std::string name) {
    for (char& character : name)
        if (character == ',' || character == '\'' || character == '\\') character = '?';
    return name;
}

inline std::string doctest_filter() {
    const doctest::ContextOptions* options = doctest::getContextOptions();
    if (options == nullptr || options->currentTest == nullptr) return {};
    return "--test-case=" + shell_word(filter_for(options->currentTest->m_name));
}

}  // namespace tapeloop::detail
