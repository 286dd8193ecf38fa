#pragma once

/// Checks of cells, for users' own tests. `nn/check/doctest.hpp` has the matchers for doctest.
#include <nn/check/check_cell.hpp>
#include <nn/check/truncation_report.hpp>
#include <nn/check/verify_bptt.hpp>
