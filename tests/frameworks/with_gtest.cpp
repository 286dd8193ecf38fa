#include <tests/frameworks/functions.hpp>

#include <nn/check/gtest.hpp>

#include <iostream>

TEST(Checks, passes) {
    CHECK_GRADIENT(right, {{"x", numbers}}, {.order = 2});
    REQUIRE_GRADIENT(right, {{"x", numbers}});
    CHECK_CELL(cell(), 2);
    CHECK_BPTT(cell(), tapeloop::Tensor<double>(tapeloop::nn::ones<double>({3, 2, 2})));
}

TEST(Checks, passes_with_a_warning) {
    CHECK_GRADIENT(tiny, {{"x", numbers}});
    REQUIRE_GRADIENT(tiny, {{"x", numbers}});
}

TEST(Checks, fails_and_says_so) {
    CHECK_GRADIENT(wrong, {{"x", numbers}});
    std::cout << "behind the check" << std::endl;
}

TEST(Checks, ends_where_it_fails) {
    REQUIRE_GRADIENT(wrong, {{"x", numbers}});
    std::cout << "behind the requirement" << std::endl;
}
