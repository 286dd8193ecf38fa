#pragma once

#include <autograd/parameter.hpp>
#include <autograd/var.hpp>

#include <array>

namespace tapeloop::nn {

class Generator;

/// Options of a selective state space.
struct SelectiveSsmOptions {
    /// R, the width that the step sizes are computed through; 0 stands for I / 16, rounded up.
    std::size_t rank = 0;
    /// The steps of the channels at the start, drawn between these, evenly by their logarithm.
    double smallest_step = 0.001;
    double largest_step = 0.1;
};

/// The selective state space S6 (Gu and Dao 2023, arXiv:2312.00752, algorithm 2): N states for each of I
/// channels, that decay on their own and never see each other, so that all time steps are computed at once.
/// How long a step is, what enters the states and what is read from them, the input says:
///
///     (r, B, C) = x U
///     delta = softplus(r U_delta + b_delta)                   the step of each channel
///     A = -exp(A_log)
///     h' = exp(delta A) h + delta B x                         for each channel and each of its states
///     y = sum over the states of C h' + D x                   for each channel
///
/// x is [B, I], and so is the output y; the state h is [B, I N], the N states of a channel side by side. A is
/// real, negative and diagonal. It is discretised by a zero-order hold, and B, as in the authors' code, by
/// Euler's rule, which takes delta for the (exp(delta A) - 1) / A of equation 4. The convolution, the gate
/// and the projections around it that make a Mamba block are not in the cell.
template <class T>
struct SelectiveSsmCell {
    Parameter<T> U;        ///< input to r [R], B [N] and C [N], side by side in this order, [I, R + 2N]
    Parameter<T> U_delta;  ///< r to the steps, [R, I]
    Parameter<T> b_delta;  ///< [I]
    Parameter<T> A_log;    ///< log(-A), [I, N]
    Parameter<T> D;        ///< what of the input goes around the states, [I]

    /// As the authors': A is -1, ..., -N in each channel, D is 1, the elements of U_delta are uniform within
    /// ± 1 / sqrt(R) and those of U within ± 1 / sqrt(I), and with inputs of 0 the steps are those of the
    /// options. Throws `std::invalid_argument` when a size is 0, or the steps are not positive, finite and in
    /// order.
    SelectiveSsmCell(std::size_t input_size, std::size_t state_size, Generator& generator,
                     SelectiveSsmOptions options = {});

    Var<T> initial_state(std::size_t batch) const;

    /// Returns A.
    Var<T> prepare() const;

    /// Returns delta, delta x, B, C and D x, of x [.., I].
    std::array<Var<T>, 5> project(const Var<T>& x) const;

    /// Returns exp(delta A) and delta B x, [.., I N].
    std::pair<Var<T>, Var<T>> coefficients(const std::array<Var<T>, 5>& u, const Var<T>& A) const;

    /// Returns y [.., I] of h [.., I N].
    Var<T> output(const std::array<Var<T>, 5>& u, const Var<T>& h) const;

    ParameterList<T> parameters() { return parameter_list(U, U_delta, b_delta, A_log, D); }
};

extern template struct SelectiveSsmCell<float>;
extern template struct SelectiveSsmCell<double>;

}  // namespace tapeloop::nn
