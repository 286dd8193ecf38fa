#pragma once

/// Checks of cells, for users' own tests. `nn/check/doctest.hpp`, `gtest.hpp` and `catch2.hpp` have the
/// macros for test frameworks.
#include <nn/check/bptt/bptt_report.hpp>
#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/check/cell/cell_report.hpp>
#include <nn/check/cell/check_cell.hpp>
#include <nn/check/deviation.hpp>
