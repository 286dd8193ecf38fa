#pragma once

#include <tests/numeric.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <string>

namespace tapeloop::test {

inline void check_close(const Tensor<double>& actual, const Tensor<double>& expected,
                        double tolerance = 1e-12) {
    const std::string problem = difference(actual, expected, tolerance);
    CHECK_MESSAGE(problem.empty(), problem);
}

inline void check_same_bits(const Tensor<double>& actual, const Tensor<double>& expected) {
    const std::string problem = difference_in_bits(actual, expected);
    CHECK_MESSAGE(problem.empty(), problem);
}

/// The text of the exception that `f` throws, which must be an `Error`; empty if it throws none.
template <class Error, class F>
std::string text_of(F&& f) {
    try {
        f();
    } catch (const Error& error) {
        return error.what();
    } catch (const std::exception& error) {
        FAIL_CHECK("another kind of error: " << error.what());
    }
    return "";
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace tapeloop::test
