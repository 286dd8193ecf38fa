#include <fmt/format.h>
#include <nn/cells/gates.hpp>
#include <nn/generator.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

std::string listed(GateNames names) {
    std::string text;
    for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

std::size_t place_of(GateNames names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        throw std::invalid_argument(
            names.empty()
                ? fmt::format("gate_block: there is no gate `{}`; the cell has none", name)
                : fmt::format("gate_block: there is no gate `{}`; there are {}", name, listed(names)));
    return static_cast<std::size_t>(found - names.begin());
}

Shape part_of(const Shape& packed, GateNames names) {
    if (packed.rank() == 0 || packed.back() % names.size() != 0)
        throw std::invalid_argument(fmt::format(
            "gate_block: the packed weight is {}; its last axis must hold {} gates side by side ({})",
            packed.text(), names.size(), listed(names)));
    return packed.with(packed.rank() - 1, packed.back() / names.size());
}

/// Calls `f` with the place in the packed weight where each row of one gate's part begins, and with that row.
template <class F>
void for_each_row(const Shape& part, std::size_t place, std::size_t count, const F& f) {
    const std::size_t columns = part.back();
    if (columns == 0) return;
    for (std::size_t row = 0; row < part.size() / columns; ++row) f((row * count + place) * columns, row);
}

template <class T>
Tensor<T> copy_part(const Tensor<T>& packed, const Shape& shape, std::size_t place, std::size_t count) {
    Tensor<T> part = uninitialised<T>(shape);
    for_each_row(shape, place, count, [&](std::size_t begin, std::size_t row) {
        std::copy_n(packed.data() + begin, shape.back(), part.data() + row * shape.back());
    });
    return part;
}

template <class T>
void fill_part(std::span<T> packed, const Shape& shape, std::size_t place, std::size_t count, T value) {
    for_each_row(shape, place, count, [&](std::size_t begin, std::size_t) {
        std::fill_n(packed.data() + begin, shape.back(), value);
    });
}

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
GateBlock<T>::GateBlock(Parameter<T>& parameter, GateNames names, std::string_view name)
    : parameter_(parameter),
      place_(place_of(names, name)),
      count_(names.size()),
      packed_shape_(parameter.shape()),
      shape_(part_of(parameter.shape(), names)) {}

template <class T>
Parameter<T>& GateBlock<T>::packed() const {
    Parameter<T>& parameter = *parameter_;
    if (parameter.shape() != packed_shape_)
        throw std::logic_error(
            fmt::format("gate_block: parameter '{}' was {} and is {} now; call `gate_block` again",
                        parameter.name(), packed_shape_.text(), parameter.shape().text()));
    return parameter;
}

template <class T>
Tensor<T> GateBlock<T>::value() const {
    return copy_part(packed().value(), shape_, place_, count_);
}

template <class T>
void GateBlock<T>::assign(const Tensor<T>& value) {
    if (shape_of(value) != shape_)
        throw std::invalid_argument(
            fmt::format("gate_block: the value is {} and this gate's part of `{}` is {}",
                        shape_of(value).text(), packed().name(), shape_.text()));
    const std::span<T> elements = packed().update();
    for_each_row(shape_, place_, count_, [&](std::size_t begin, std::size_t row) {
        std::copy_n(value.data() + row * shape_.back(), shape_.back(), elements.data() + begin);
    });
}

template <class T>
void GateBlock<T>::assign(double value) {
    fill_part(packed().update(), shape_, place_, count_, static_cast<T>(value));
}

template <class T>
void GateBlock<T>::freeze(Gradients<T>& gradients) const {
    Tensor<T>& gradient = gradients[packed()];
    fill_part(std::span<T>(gradient.data(), gradient.size()), shape_, place_, count_, T(0));
}

template <class T>
Tensor<T> gate_part(const Tensor<T>& packed, GateNames names, std::string_view name) {
    const std::size_t place = place_of(names, name);
    return copy_part(packed, part_of(shape_of(packed), names), place, names.size());
}

template <class T>
Tensor<T> packed_xavier(std::size_t input_size, std::size_t hidden_size, std::size_t gate_count,
                        Generator& generator) {
    return side_by_side<T>(input_size, hidden_size, gate_count,
                           [&](const Shape& shape) { return xavier_uniform<T>(shape, generator); });
}

template <class T>
Tensor<T> packed_orthogonal(std::size_t state_size, std::size_t hidden_size, std::size_t gate_count,
                            Generator& generator) {
    return side_by_side<T>(state_size, hidden_size, gate_count,
                           [&](const Shape& shape) { return orthogonal<T>(shape, generator); });
}

template <class T>
Tensor<T> packed_orthogonal(std::size_t hidden_size, std::size_t gate_count, Generator& generator) {
    return packed_orthogonal<T>(hidden_size, hidden_size, gate_count, generator);
}

namespace detail {

void require_sizes(std::string_view cell, std::size_t input_size, std::size_t hidden_size) {
    if (input_size == 0 || hidden_size == 0)
        throw std::invalid_argument(
            fmt::format("{}: input_size is {} and hidden_size {}; both must be at least 1", cell, input_size,
                        hidden_size));
    // Before they are multiplied by the number of gates.
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (input_size > most || hidden_size > most)
        throw std::invalid_argument(
            fmt::format("{}: input_size is {} and hidden_size {}; both must be between 1 and 2^32 - 1", cell,
                        static_cast<std::ptrdiff_t>(input_size), static_cast<std::ptrdiff_t>(hidden_size)));
}

}  // namespace detail

#define TAPELOOP_GATES(T)                                                                \
    template class GateBlock<T>;                                                         \
    template Tensor<T> gate_part(const Tensor<T>&, GateNames, std::string_view);         \
    template Tensor<T> packed_xavier(std::size_t, std::size_t, std::size_t, Generator&); \
    template Tensor<T> packed_orthogonal(std::size_t, std::size_t, Generator&);          \
    template Tensor<T> packed_orthogonal(std::size_t, std::size_t, std::size_t, Generator&);

TAPELOOP_GATES(float)
TAPELOOP_GATES(double)

#undef TAPELOOP_GATES

}  // namespace tapeloop::nn
