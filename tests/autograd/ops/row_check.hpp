#pragma once

#include <tests/autograd/ops/op_table.hpp>

#include <autograd/check/check_gradient.hpp>

/// A row of the op table under `check_gradient`.
namespace tapeloop::test {

/// The check on one sample, at a random point that the options' seed draws; flags stay constant, the rest is
/// differentiated by.
GradientReport check_row(const Row& row, const std::vector<Shape>& shapes, const CheckOptions& options);

/// The gradients of the same, from the tape: of <random cotangents, results>.
Tensors gradients_of_row(const Row& row, const std::vector<Shape>& shapes, std::uint64_t seed);

}  // namespace tapeloop::test
