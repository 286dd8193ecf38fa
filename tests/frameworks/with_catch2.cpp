#define CATCH_CONFIG_MAIN
#include <tests/frameworks/functions.hpp>

#include <nn/check/catch2.hpp>

#include <iostream>

TEST_CASE("passes") {
    CHECK_GRADIENT(right, {{"x", numbers}}, {.order = 2});
    REQUIRE_GRADIENT(right, {{"x", numbers}});
    CHECK_CELL(cell(), 2);
    CHECK_BPTT(cell(), tapeloop::Tensor<double>(tapeloop::nn::ones<double>({3, 2, 2})));
}

TEST_CASE("passes with a warning") {
    CHECK_GRADIENT(tiny, {{"x", numbers}});
    REQUIRE_GRADIENT(tiny, {{"x", numbers}});
}

TEST_CASE("fails, and it's said") {
    CHECK_GRADIENT(wrong, {{"x", numbers}});
    std::cout << "behind the check" << std::endl;
}

TEST_CASE("ends where it fails") {
    REQUIRE_GRADIENT(wrong, {{"x", numbers}});
    std::cout << "behind the requirement" << std::endl;
}
