#pragma once

// CHECK_GRADIENT, CHECK_CELL and CHECK_BPTT for GoogleTest, and REQUIRE_GRADIENT, ...
#include <autograd/check/gtest.hpp>
#include <nn/check/check.hpp>
#include <nn/check/test_macros.hpp>
