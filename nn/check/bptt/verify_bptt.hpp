#pragma once

#include <nn/check/bptt/bptt_loss.hpp>
#include <nn/check/bptt/bptt_report.hpp>
#include <nn/check/in_double.hpp>

#include <cstdint>
#include <optional>

namespace tapeloop::nn {

/// Options of `verify_bptt`. All have defaults; a limit of 0 stands for the one that suits the type.
struct BpttOptions {
    /// The seed of random numbers; without one, the environment's TAPELOOP_CHECK_SEED, or 1.
    std::optional<std::uint64_t> seed = std::nullopt;
    /// The largest deviation of closed form and forward mode (1e-11; float: 1e-4), relative to the largest
    /// entry of a gradient or the largest sum of products that it is made of.
    double exact_limit = 0;
    /// The largest deviation of the central differences of single steps (1e-6; float: 0.02), relative
    /// likewise.
    double difference_limit = 0;
    /// Elements of parameters that are 0 are moved by up to so much: a bias or a peephole that starts at 0
    /// hides mistakes. J is that of the moved ones, which are as before afterwards.
    double zeros_moved_by = 0.25;
    /// Start at random near the cell's own initial state, which may be zeros that hide mistakes. A source
    /// that is empty there is given random entries. `false` for states that must not be moved, such as
    /// probabilities.
    bool random_initial_state = true;
    /// The largest distance by which each element of it is moved.
    double state_moved_by = 0.5;
    /// The state to start from instead of the cell's own: its parts, each as the cell has it for the batch.
    std::vector<Tensor<double>> initial_state = {};
    /// Forward mode is left out where it would carry more numbers than this from step to step: the state's
    /// derivatives by everything. 0 leaves it out without a word.
    std::size_t forward_limit = 8'000'000;
    /// The largest number of elements of each parameter, of x and of each part of the state, spread over it,
    /// that are checked by differences in each step. Where all steps would take longer than about a second,
    /// directions are, and elements where one fails.
    std::size_t step_elements = 2'000;
    /// Options of the check of the whole sequence by differences: sizes, steps and tolerances. Seed and order
    /// are not taken from it.
    CheckOptions gradient = {.elsewhere = false, .worst = 2};
};

namespace detail {

StartingState starting_state(const BpttOptions& options);

BpttReport verify(const CellUnderCheck<float>& cell, const BpttLoss<float>& loss, const Tensor<float>& x,
                  const BpttOptions& options);
BpttReport verify(const CellUnderCheck<double>& cell, const BpttLoss<double>& loss, const Tensor<double>& x,
                  const BpttOptions& options);

template <class C, class Loss>
concept LossOf =
    std::invocable<const Loss&, Var<ValueOf<C>>> || std::invocable<const Loss&, Var<ValueOf<C>>, StateOf<C>>;

}  // namespace detail

/// Verifies backpropagation through time: computes the gradient of a cell on a sequence x [T, B, I] in
/// several independent ways, by every parameter (of a learned initial state, too), by x and by the initial
/// state, and says where they part.
///
///     nn::BpttReport report = nn::verify_bptt(cell, x);
///     nn::verify_bptt(cell, x, [&](const auto& outputs) { return loss(outputs, targets); });
///     nn::verify_bptt(cell, x, [](const auto& outputs, const auto& final_state) { ... });
///
/// The loss gives a `Var` of any shape, or several; their elements get random weights. Without one, all
/// outputs and the final state do. The ways are
///
/// - the tape: `unroll`, and `gradient` of it;
/// - the closed form, where one is known: `closed_form_bptt(cell, ..)`. The library has it for `ElmanCell`,
///   `LstmCell` and `GruCell`, and a cell of yours may have it (nn/closed_form/of_cell.hpp);
/// - forward mode: real-time recurrent learning (Williams and Zipser 1989), which carries the derivatives of
///   the state forward. It takes those of a single step from a tape of this step, so it finds mistakes of the
///   recursion over time, not of a rule;
/// - central differences of the loss, element by element or of large cells along directions
///   (`check_gradient`), which find both.
///
/// Then it goes back in time from the end. Each step, given the cotangents that reach it on the tape, has to
/// make the same of them as by every other way: its part of each parameter's gradient, dJ/dx(t), and what it
/// hands back to the state before it. The first step that does not is where the ways part; steps before it
/// that do are right, and inherit.
///
/// A cell of `float` that is a template of its type, `C<float>`, is verified as `C<double>`, as by
/// `check_cell`, if no loss is given. All else of `float` is verified in `float`, where differences are
/// coarse, and the report warns of it.
///
/// Last, a row is run among rows like it: where that gives something else, and no gradient passes from row to
/// row, a step branches on a value, as in `if (h.value()(0, 0) > 0)`, or uses one that is not on the tape.
/// And the first step is checked from the cell's own initial state as well.
///
/// Outputs or gradients that are not finite are all that is reported then.
///
/// Parameters are as before afterwards, whatever is thrown. What the cell or the loss throws is passed on.
/// Throws `std::invalid_argument` when x does not have three axes or an extent is 0, when the options'
/// `initial_state` does not fit, or when something is to be moved by less than nothing.
template <class C, class Loss>
requires detail::LossOf<std::remove_reference_t<C>, Loss> BpttReport
verify_bptt(C&& cell, const Tensor<ValueOf<std::remove_reference_t<C>>>& x, const Loss& loss,
            const BpttOptions& options = {}) {
    using Plain = std::remove_reference_t<C>;
    static_assert(TrainableCell<Plain>, "verify_bptt takes a cell that lists its parameters, and not const");
    return detail::verify(detail::under_check<Plain>(cell), detail::bptt_loss(cell, loss), x, options);
}

/// Verifies with the outputs and the final state themselves as what is differentiated, at random cotangents.
template <class C>
BpttReport verify_bptt(C&& cell, const Tensor<ValueOf<std::remove_reference_t<C>>>& x,
                       const BpttOptions& options = {}) {
    using Plain = std::remove_reference_t<C>;
    static_assert(TrainableCell<Plain>, "verify_bptt takes a cell that lists its parameters, and not const");
    if constexpr (detail::has_double<Plain>) {
        auto twin = detail::in_double(cell, x, detail::starting_state(options));
        if (twin.has_value())
            return detail::verify(detail::under_check(*twin), detail::everything<double>(),
                                  tapeloop::detail::as_double(x), options);
    }
    return detail::verify(detail::under_check<Plain>(cell), detail::everything<ValueOf<Plain>>(), x, options);
}

}  // namespace tapeloop::nn
