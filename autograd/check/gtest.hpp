#pragma once

#include <autograd/check/test_macros.hpp>

#include <gtest/gtest.h>

#include <iostream>

// CHECK_GRADIENT and REQUIRE_GRADIENT for GoogleTest.

#define TAPELOOP_TEST_CHECK(passed, text) EXPECT_TRUE(passed) << (text)
#define TAPELOOP_TEST_REQUIRE(passed, text) ASSERT_TRUE(passed) << (text)
#define TAPELOOP_TEST_WARN(text) ::tapeloop::detail::gtest_warn(__LINE__, text)
#define TAPELOOP_TEST_FILTER() ::tapeloop::detail::gtest_filter()

namespace tapeloop::detail {

// GoogleTest has no messages of a test that passes: it is printed among its own lines, and is a property of
// the test in the XML.
inline void gtest_warn(int line, const std::string& text) {
    std::cout << "[ WARNING  ] " << text << std::endl;
    ::testing::Test::RecordProperty("warning of line " + std::to_string(line), text);
}

inline std::string gtest_filter() {
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    if (test == nullptr) return {};
    return "--gtest_filter=" + shell_word(std::string(test->test_suite_name()) + "." + test->name());
}

}  // namespace tapeloop::detail
