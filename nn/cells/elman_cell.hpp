#pragma once

#include <autograd/ops/linalg.hpp>
#include <autograd/parameter.hpp>
#include <nn/cells/activation.hpp>
#include <nn/initialisers.hpp>

namespace tapeloop::nn {

/// Options of an `ElmanCell`.
struct ElmanOptions {
    Activation activation = Activation::tanh;
};

/// The simple recurrent network (J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990):
///
///     h_t = f(x_t U + h_{t-1} W + b)
///
/// x_t is [B, I], h_t is [B, H], f is tanh unless the options say otherwise. The output is the state h_t. The
/// layer behind it, o_t = h_t V + c, is a `Linear`.
template <class T>
struct ElmanCell {
    Parameter<T> U;  ///< input to hidden, [I, H]
    Parameter<T> W;  ///< hidden to hidden, [H, H]
    Parameter<T> b;  ///< hidden bias, [H]
    Activation activation;

    /// U is drawn by `xavier_uniform`, W by `orthogonal`, b is 0. Throws `std::invalid_argument` when a size
    /// is 0.
    ElmanCell(std::size_t input_size, std::size_t hidden_size, Generator& generator,
              ElmanOptions options = {});
    /// Makes a cell of given weights U [I, H], W [H, H], b [H]. Throws `std::invalid_argument` when their
    /// shapes do not fit.
    ElmanCell(Tensor<T> U, Tensor<T> W, Tensor<T> b, ElmanOptions options = {});

    Var<T> initial_state(std::size_t batch) const { return input(zeros<T>({batch, b.shape()[0]})); }

    Var<T> project(const Var<T>& x) const { return affine(x, U, b); }

    auto step(const Var<T>& u, const Var<T>& h) const {
        const Var<T> next = activate(activation, affine(h, W, u));
        return std::pair{next, next};
    }

    ParameterList<T> parameters() { return parameter_list(U, W, b); }
};

extern template struct ElmanCell<float>;
extern template struct ElmanCell<double>;

}  // namespace tapeloop::nn
