#pragma once

/// Checks of gradients, for users' own tests. `autograd/check/doctest.hpp`, `gtest.hpp` and
/// `catch2.hpp` have the macros for test frameworks.
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/fault.hpp>
#include <autograd/check/function.hpp>
#include <autograd/check/input.hpp>
#include <autograd/check/options.hpp>
#include <autograd/check/report.hpp>
