#include <fmt/format.h>
#include <nn/gates.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {
namespace {

template <class T, class Draw>
Tensor<T> side_by_side(std::size_t rows, std::size_t columns, std::size_t gate_count, const Draw& draw) {
    Tensor<T> packed = uninitialised<T>({rows, gate_count * columns});
    for (std::size_t gate = 0; gate < gate_count; ++gate) {
        const Tensor<T> part = draw(Shape{rows, columns});
        for (std::size_t row = 0; row < rows; ++row)
            std::copy_n(part.data() + row * columns, columns,
                        packed.data() + (row * gate_count + gate) * columns);
    }
    return packed;
}

}  // namespace

template <class T>
Tensor<T> packed_xavier(std::size_t input_size, std::size_t hidden_size, std::size_t gate_count,
                        Generator& generator) {
    return side_by_side<T>(input_size, hidden_size, gate_count,
                           [&](const Shape& shape) { return xavier_uniform<T>(shape, generator); });
}

template <class T>
Tensor<T> packed_orthogonal(std::size_t hidden_size, std::size_t gate_count, Generator& generator) {
    return side_by_side<T>(hidden_size, hidden_size, gate_count,
                           [&](const Shape& shape) { return orthogonal<T>(shape, generator); });
}

void require_sizes(std::string_view cell, std::size_t input_size, std::size_t hidden_size) {
    if (input_size == 0 || hidden_size == 0)
        throw std::invalid_argument(
            fmt::format("{}: input_size is {} and hidden_size {}; both must be at least 1", cell, input_size,
                        hidden_size));
}

template Tensor<float> packed_xavier(std::size_t, std::size_t, std::size_t, Generator&);
template Tensor<double> packed_xavier(std::size_t, std::size_t, std::size_t, Generator&);
template Tensor<float> packed_orthogonal(std::size_t, std::size_t, Generator&);
template Tensor<double> packed_orthogonal(std::size_t, std::size_t, Generator&);

}  // namespace tapeloop::nn
