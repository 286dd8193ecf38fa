#pragma once

#include <autograd/check/test_macros.hpp>

// Where this comes first, lines of a report are not broken, as they are at 80 columns.
#ifndef CATCH_CONFIG_CONSOLE_WIDTH
#define CATCH_CONFIG_CONSOLE_WIDTH 160
#endif
// The third version has no single header where it is installed, and one where its sources are copied.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/interfaces/catch_interfaces_capture.hpp>
#elif __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch_amalgamated.hpp>
#endif

// CHECK_GRADIENT and REQUIRE_GRADIENT for Catch2.

#ifdef CATCH_CONFIG_PREFIX_ALL
#define TAPELOOP_CATCH2(name) CATCH_##name
#else
#define TAPELOOP_CATCH2(name) name
#endif

#define TAPELOOP_TEST_CHECK(passed, text) \
    if (passed)                           \
        TAPELOOP_CATCH2(SUCCEED)();       \
    else                                  \
        TAPELOOP_CATCH2(FAIL_CHECK)(text)
#define TAPELOOP_TEST_REQUIRE(passed, text) \
    if (passed)                             \
        TAPELOOP_CATCH2(SUCCEED)();         \
    else                                    \
        TAPELOOP_CATCH2(FAIL)(text)
// Messages can have the prefix alone.
#ifdef CATCH_WARN
#define TAPELOOP_TEST_WARN(text) CATCH_WARN(text)
#else
#define TAPELOOP_TEST_WARN(text) WARN(text)
#endif
#define TAPELOOP_TEST_FILTER() ::tapeloop::detail::catch2_filter()

namespace tapeloop::detail {

/// The current test's name as Catch2's command line takes it: `\` before what would end it or begin a tag.
inline std::string catch2_filter() {
    std::string name;
    for (const char character : Catch::getResultCapture().getCurrentTestName()) {
        if (character == ',' || character == '[' || character == '\\' || character == '"') name += '\\';
        name += character;
    }
    return shell_word(name);
}

}  // namespace tapeloop::detail
