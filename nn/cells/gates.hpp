#pragma once

#include <autograd/gradient.hpp>
#include <nn/initialisers.hpp>

#include <span>
#include <string_view>

/// Packed weights: n gates side by side along the last axis. What they start from, and the part of one gate.
namespace tapeloop::nn {

/// The gates of a packed weight in their order, as a cell's `gate_names()` gives them.
using GateNames = std::span<const std::string_view>;

/// One gate's part [.., H] of a packed parameter [.., n H]. It refers to the parameter, and follows it when
/// its cell is moved. Using it throws `std::logic_error` when the parameter was destroyed or has another
/// shape now.
template <class T>
class GateBlock {
  public:
    /// Finds the part of gate `name` among `names`. Throws `std::invalid_argument` when there is no such
    /// gate, or the last axis is not that many equal parts.
    GateBlock(Parameter<T>& parameter, GateNames names, std::string_view name);

    /// Returns the shape of the part.
    const Shape& shape() const { return shape_; }
    /// Returns a copy of the part.
    Tensor<T> value() const;
    /// Sets the part, and leaves the other gates as they are. Throws `std::invalid_argument` when the shape
    /// is another.
    void assign(const Tensor<T>& value);
    /// Sets all elements of the part to one number.
    void assign(double value);

    /// Puts zeros for this part into the parameter's gradient: between `gradient` and an optimizer's step it
    /// keeps the gate as it is. What the optimizer adds to the gradient still moves it: weight decay, and the
    /// momentum of steps taken before it was frozen. Throws `std::invalid_argument` when `gradients` has none
    /// for the parameter.
    void freeze(Gradients<T>& gradients) const;

  private:
    Parameter<T>& packed() const;

    ParameterReference<T> parameter_;
    std::size_t place_;
    std::size_t count_;
    Shape packed_shape_;
    Shape shape_;
};

/// The part of the gate called `name`: `gate_block(cell.b, cell.gate_names(), "forget").assign(1)`. Throws
/// `std::invalid_argument` when there is no such gate, or when the parameter does not hold all of them.
template <class T>
GateBlock<T> gate_block(Parameter<T>& parameter, GateNames names, std::string_view name) {
    return {parameter, names, name};
}

/// A copy of one gate's part of a packed tensor, such as a gradient: [.., n H] -> [.., H]. Throws as
/// `gate_block`.
template <class T>
Tensor<T> gate_part(const Tensor<T>& packed, GateNames names, std::string_view name);

/// [I, n H], each [I, H] drawn by `xavier_uniform`.
template <class T>
Tensor<T> packed_xavier(std::size_t input_size, std::size_t hidden_size, std::size_t gate_count,
                        Generator& generator);

/// [H, n H], each [H, H] drawn by `orthogonal`.
template <class T>
Tensor<T> packed_orthogonal(std::size_t hidden_size, std::size_t gate_count, Generator& generator);
/// [P, n H], each [P, H] drawn by `orthogonal`: for a state that is P wide.
template <class T>
Tensor<T> packed_orthogonal(std::size_t state_size, std::size_t hidden_size, std::size_t gate_count,
                            Generator& generator);

namespace detail {

/// Throws `std::invalid_argument`, naming the cell, when a size is 0.
void require_sizes(std::string_view cell, std::size_t input_size, std::size_t hidden_size);

}  // namespace detail

extern template class GateBlock<float>;
extern template class GateBlock<double>;

}  // namespace tapeloop::nn
