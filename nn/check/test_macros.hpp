#pragma once

// What tests of cells say is the same in every framework; `nn/check/doctest.hpp`, `gtest.hpp` and
// `catch2.hpp` include what it needs.

/// One line in a test of yours: the cell does all that every cell must do, and its gradient over time is what
/// other ways give as well.
///
///     CHECK_CELL(MyCell<double>(3, 5, generator), 3);
///     CHECK_BPTT(cell, x);
///     CHECK_BPTT(cell, x, [&](const auto& outputs) { return nn::mean_squared_error(outputs, targets); });
///
/// They take what `nn::check_cell` and `nn::verify_bptt` take. The text of a failure is the whole report,
/// with a line that runs this test again with the same random numbers.
#define CHECK_CELL(...) \
    TAPELOOP_CHECK_REPORT(::tapeloop::nn::check_cell(__VA_ARGS__), "check_cell(" #__VA_ARGS__ ")")
#define CHECK_BPTT(...) \
    TAPELOOP_CHECK_REPORT(::tapeloop::nn::verify_bptt(__VA_ARGS__), "verify_bptt(" #__VA_ARGS__ ")")

/// Checks as CHECK_CELL does, and ends the test where it fails.
#define REQUIRE_CELL(...) \
    TAPELOOP_REQUIRE_REPORT(::tapeloop::nn::check_cell(__VA_ARGS__), "check_cell(" #__VA_ARGS__ ")")
#define REQUIRE_BPTT(...) \
    TAPELOOP_REQUIRE_REPORT(::tapeloop::nn::verify_bptt(__VA_ARGS__), "verify_bptt(" #__VA_ARGS__ ")")
