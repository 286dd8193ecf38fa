#pragma once

#include <autograd/tape.hpp>

#include <string_view>
#include <vector>

/// Padded batches: rows of different lengths in one tensor [T, B, ..].
namespace tapeloop::nn {

namespace detail {

/// Throws `std::invalid_argument`, beginning with `operation`, unless there is one length for each of `batch`
/// rows and none is above `time_steps`.
void require_lengths(std::string_view operation, const std::vector<std::size_t>& lengths,
                     std::size_t time_steps, std::size_t batch);

}  // namespace detail

/// 1 where a time step counts and 0 behind the end of its row: [T, B, 1].
template <class T>
Tensor<T> length_mask(const std::vector<std::size_t>& lengths, std::size_t time_steps);

/// x [T, B, ..] with 0 behind the end of each row, whatever was there; no gradient passes to it. x itself
/// when `lengths` is empty.
Var<float> mask_by_lengths(const Operand<float>& x, const std::vector<std::size_t>& lengths);
Var<double> mask_by_lengths(const Operand<double>& x, const std::vector<std::size_t>& lengths);

}  // namespace tapeloop::nn
