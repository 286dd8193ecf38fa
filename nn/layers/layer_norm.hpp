#pragma once

#include <autograd/parameter.hpp>

namespace tapeloop::nn {

/// (x - mean) / sqrt(variance + epsilon) of each row along the last axis, with the variance of the
/// population, divided by n; [.., D] -> [.., D]. Throws `std::invalid_argument` when x has no last axis or
/// it is empty.
Var<float> standardise(const Operand<float>& x, double epsilon = 1e-5);
Var<double> standardise(const Operand<double>& x, double epsilon = 1e-5);

/// Options of a `LayerNorm`.
struct LayerNormOptions {
    /// The number added to the variance, as PyTorch has it; Keras adds 1e-3.
    double epsilon = 1e-5;
};

/// Layer normalisation (Ba, Kiros and Hinton 2016, arXiv:1607.06450) over the last axis, [.., D] -> [.., D]:
///
///     y = gamma (x - mean) / sqrt(variance + epsilon) + beta
template <class T>
struct LayerNorm {
    Parameter<T> gamma;  ///< [D]
    Parameter<T> beta;   ///< [D]
    double epsilon;

    /// gamma is 1 and beta 0. Throws `std::invalid_argument` when size is 0 or epsilon negative.
    explicit LayerNorm(std::size_t size, LayerNormOptions options = {});
    /// Makes the layer of given weights gamma and beta, [H]. Throws `std::invalid_argument` when their shapes
    /// do not fit.
    LayerNorm(Tensor<T> gamma, Tensor<T> beta, LayerNormOptions options = {});

    /// Throws `std::invalid_argument` when x's last axis is not D.
    Var<T> operator()(const Operand<T>& x) const;

    ParameterList<T> parameters() { return parameter_list(gamma, beta); }
};

extern template struct LayerNorm<float>;
extern template struct LayerNorm<double>;

}  // namespace tapeloop::nn
