#pragma once

#include <nn/initialisers.hpp>

#include <string_view>

/// Starting values of packed weights: n gates side by side, each drawn as a matrix of its own.
namespace tapeloop::nn {

/// [I, n H], each [I, H] drawn by `xavier_uniform`.
template <class T>
Tensor<T> packed_xavier(std::size_t input_size, std::size_t hidden_size, std::size_t gate_count,
                        Generator& generator);

/// [H, n H], each [H, H] drawn by `orthogonal`.
template <class T>
Tensor<T> packed_orthogonal(std::size_t hidden_size, std::size_t gate_count, Generator& generator);

/// Throws `std::invalid_argument`, naming the cell, when a size is 0.
void require_sizes(std::string_view cell, std::size_t input_size, std::size_t hidden_size);

}  // namespace tapeloop::nn
