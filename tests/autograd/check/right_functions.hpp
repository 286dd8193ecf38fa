#pragma once

#include <tests/numeric.hpp>

#include <autograd/check/check_gradient.hpp>

#include <string>
#include <vector>

/// Functions whose gradients are right and hard to check: by differences, or because float is not double.
namespace tapeloop::test {

/// A function that is written for both types, and the points at which it is hard.
struct RightFunction {
    std::string name;
    CheckFunction<double> in_double;
    CheckFunction<float> in_float;
    CheckInputs<double> inputs;

    template <class F>
    RightFunction(std::string given_name, const F& f, const Tensor<double>& x)
        : name(std::move(given_name)),
          in_double([f](const auto& v) { return std::vector{Var<double>(f(v[0]))}; }),
          in_float([f](const auto& v) { return std::vector{Var<float>(f(v[0]))}; }),
          inputs{{"x", x}} {}
    template <class F>
    RightFunction(std::string given_name, const F& f, const Tensor<double>& x, const Tensor<double>& y)
        : name(std::move(given_name)),
          in_double([f](const auto& v) { return std::vector{Var<double>(f(v[0], v[1]))}; }),
          in_float([f](const auto& v) { return std::vector{Var<float>(f(v[0], v[1]))}; }),
          inputs{{"x", x}, {"y", y}} {}
};

std::vector<RightFunction> right_functions_at_kinks();
std::vector<RightFunction> right_functions_of_scales();
std::vector<RightFunction> right_functions_of_networks();
std::vector<RightFunction> right_functions_that_iterate();

/// A constant of the type that a function's argument has.
template <class T>
Tensor<T> constant_for(const Var<T>&, const Tensor<double>& value) {
    return rounded<T>(value);
}

}  // namespace tapeloop::test
