#pragma once

#include <autograd/check/options.hpp>
#include <nn/check/cell/cell_report.hpp>
#include <nn/check/in_double.hpp>
#include <nn/generator.hpp>

#include <cstdint>
#include <optional>

namespace tapeloop::nn {

/// Options of `check_cell`. All have defaults.
struct CellCheckOptions {
    /// The seed of random numbers; without one, the environment's TAPELOOP_CHECK_SEED, or 1.
    std::optional<std::uint64_t> seed = std::nullopt;
    /// The length of the random sequence that is drawn when none is given: at least 3 steps and 2 rows, or
    /// mistakes of order stay hidden.
    std::size_t time_steps = 4;
    std::size_t batch = 3;
    /// Parameters are checked up to so far from where they are: a bias or a peephole that starts at 0 hides
    /// mistakes. They are as before afterwards.
    double moved_by = 0.25;
    /// Start at random near the cell's own initial state, which may be zeros that hide mistakes. A source
    /// that is empty there is given random entries. `false` for states that must not be moved, such as
    /// probabilities.
    bool random_initial_state = true;
    /// The largest distance by which each element of it is moved.
    double state_moved_by = 0.5;
    /// The state to start from instead of the cell's own: its parts, each as the cell has it for the batch.
    std::vector<Tensor<double>> initial_state = {};
    /// 1 leaves the second order out.
    int order = 2;
    /// Options of the comparison of gradients: tolerances, steps and sizes. Seed and order are those above.
    /// Not at other points by default: a state may have a domain.
    CheckOptions gradient = {.elsewhere = false, .worst = 3};
};

namespace detail {

StartingState starting_state(const CellCheckOptions& options);

CellReport check_layer(CellUnderCheck<float> cell, const Tensor<float>& x, const CellCheckOptions& options);
CellReport check_layer(CellUnderCheck<double> cell, const Tensor<double>& x, const CellCheckOptions& options);

/// Adds the item `float`: the cell's own values and gradients, as they are in double.
void check_float_twin(CellReport& report, const CellUnderCheck<float>& cell,
                      const CellUnderCheck<double>& twin, const Tensor<float>& x,
                      const CellCheckOptions& options);

/// A random sequence [T, B, `input_size`].
template <class T>
Tensor<T> sequence_for(std::size_t input_size, const CellCheckOptions& options);
extern template Tensor<float> sequence_for(std::size_t, const CellCheckOptions&);
extern template Tensor<double> sequence_for(std::size_t, const CellCheckOptions&);

}  // namespace detail

/// Runs a cell, or a layer that unrolls itself, through everything that every cell must do. x is [T, B, I]
/// with T >= 3 and B >= 2.
///
///     const nn::CellReport report = nn::check_cell(cell, x);
///     if (!report.passed()) fmt::print("{}", report.text());
///
/// The items of the report are
///
///     initial state                  the batch is its first axis, and rows do not differ
///     shapes                         the state keeps its shape, the outputs are [T, B, ..]
///     no state in the cell           sequences that alternate, on one tape or on two, do not disturb each
///                                    other
///     same bits                      a second run gives the same values and gradients to the last
///                                    bit, and so do 20 runs of the first step
///     parameters                     each that a step reads is listed, each listed one is read, and names
///                                    are unique
///     step by step                   gives what `unroll` gives, `project` for all time steps at once
///                                    included
///     T = 0, T = 1, B = 0            sequences without steps, with one, and without rows
///     padded batch                   with NaN behind the ends gives what its rows give alone
///     permuted batch                 gives what the batch gives, permuted
///     save and restore               a sequence in two stretches, by `carry` and `resume`, gives what it
///                                    gives in one
///     map and plain operations       give the same: a tape with `.fuse = false`
///     gradient of x, gradient of the initial state, gradient of the parameters
///                                    against central differences, at a random state
///     second order                   the gradient of the gradient against differences, and what
///                                    `check_gradient` does
///     own start                      so from the cell's own initial state, along directions: a norm of
///                                    zeros has no gradient
///     long sequence                  over 20 time steps, of those of x, unroll gives what steps give,
///                                    and gradients are right along directions: what begins late, or
///                                    comes every so many steps
///     float                          of a cell of `float` that is checked in `double`: values and gradients
///                                    of both types are the same, but for rounding
///
/// with values and gradients by x, initial state and parameters compared where two runs are of the same
/// sequence, relative to the largest element or, of a gradient that is 0 in theory, to what was summed;
/// behind `resume` gradients by x alone, and of alternating sequences values alone. What the cell throws on
/// the way is what that item reports, and where there is nothing to read, of no steps or no rows, also what
/// would end the program, such as a look at an element of an empty tensor: those items are tried in a child
/// process first. (Elsewhere such a look may pass unseen; with XTENSOR_ENABLE_ASSERT it throws.) Gradients
/// are left out of a cell that keeps a state.
///
/// A parameter that parts of the cell share, and list by different names, is checked once.
///
/// A cell of `float` that is a template of its type, `C<float>`, is checked as `C<double>`, if that can be
/// made from it or from `(input_size, hidden_size, generator)` and gives the same values, and gradients that
/// are not far off, with the same parameters; all else of `float` is checked in `float`, of which the report
/// warns.
///
/// Parameters are as before afterwards, to the last bit. Throws `std::invalid_argument` when x has another
/// shape or the options' `initial_state` does not fit, and what `initial_state(1)` and `parameters()` throw.
template <class C>
CellReport check_cell(C&& cell, const Tensor<ValueOf<std::remove_reference_t<C>>>& x,
                      const CellCheckOptions& options = {}) {
    using Plain = std::remove_reference_t<C>;
    static_assert(!std::is_const_v<Plain>,
                  "check_cell moves the cell's parameters for a while, so it takes no const cell");
    if constexpr (detail::has_double<Plain>) {
        auto twin = detail::in_double(cell, x, detail::starting_state(options));
        if (twin.has_value()) {
            CellReport report =
                detail::check_layer(detail::under_check(*twin), tapeloop::detail::as_double(x), options);
            detail::check_float_twin(report, detail::under_check(cell), detail::under_check(*twin), x,
                                     options);
            return report;
        }
    }
    return detail::check_layer(detail::under_check<Plain>(cell), x, options);
}

/// Checks a cell on a random sequence of inputs that are `input_size` wide.
template <class C>
CellReport check_cell(C&& cell, std::size_t input_size, const CellCheckOptions& options = {}) {
    using T = ValueOf<std::remove_reference_t<C>>;
    return check_cell(std::forward<C>(cell), detail::sequence_for<T>(input_size, options), options);
}

}  // namespace tapeloop::nn
