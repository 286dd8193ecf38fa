#pragma once

#include <tests/numeric.hpp>

#include <autograd/gradient.hpp>

/// Programs made at random, mostly of operations that move elements, whose results are used any number of
/// times.
namespace tapeloop::test {

using Values = std::vector<Var<double>>;

/// The shape of every value of a random program.
inline const Shape program_shape{4, 6};

/// A program that is the same for the same seed: leaves first, then what is made of them.
Values random_program(std::uint64_t seed, const Tensors& leaves);

/// Some of the last values of a program, with cotangents.
std::vector<GradientRoot<double>> random_roots(Random& random, const Values& values);

}  // namespace tapeloop::test
