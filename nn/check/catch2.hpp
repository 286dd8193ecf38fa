#pragma once

// CHECK_GRADIENT, CHECK_CELL and CHECK_BPTT for Catch2, and REQUIRE_GRADIENT, ...
#include <autograd/check/catch2.hpp>
#include <nn/check/check.hpp>
#include <nn/check/test_macros.hpp>
