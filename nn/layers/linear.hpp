#pragma once

#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>

namespace tapeloop::nn {

class Generator;

/// The output layer of the textbook, o = h V + c: h is [.., H], o is [.., O].
template <class T>
struct Linear {
    Parameter<T> V;  ///< [H, O]
    Parameter<T> c;  ///< [O]

    /// V is drawn by `xavier_uniform`, c is 0. Throws `std::invalid_argument` when a size is 0.
    Linear(std::size_t input_size, std::size_t output_size, Generator& generator);
    /// Makes the layer of given weights V [H, O] and c [O]. Throws `std::invalid_argument` when their shapes
    /// do not fit.
    Linear(Tensor<T> V, Tensor<T> c);

    /// Maps h [.., H] to [.., O].
    Var<T> operator()(const Operand<T>& h) const { return affine(h, V, c); }

    ParameterList<T> parameters() { return parameter_list(V, c); }
};

extern template struct Linear<float>;
extern template struct Linear<double>;

}  // namespace tapeloop::nn
