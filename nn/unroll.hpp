#pragma once

#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/attempt.hpp>
#include <nn/cell.hpp>
#include <nn/initialisers.hpp>

namespace tapeloop::nn {

struct UnrollOptions {
    /// x and the outputs are [B, T, ..] instead of [T, B, ..].
    bool batch_first = false;
    /// Keep the state after every time step in `Unrolled::trace`.
    bool trace = false;
};

/// What an unrolled cell gives.
template <class T, class State>
struct Unrolled {
    Var<T> outputs;            ///< of every time step, [T, B, H]
    State state;               ///< after the last time step
    std::vector<State> trace;  ///< after each time step, if it was asked for
};

template <class C>
using UnrolledOf = Unrolled<ValueOf<C>, StateOf<C>>;

namespace detail {

void require_sequence(const Shape& x, const Site& site);
[[noreturn]] void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual,
                                   std::size_t batch, const Site& site);
[[noreturn]] void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before,
                                  std::size_t time_step, const Site& site);

template <class C>
void require_state(const C& cell, const StateOf<C>& state, std::size_t batch, const Site& site) {
    const Attempt<ValueOf<C>> taken_back;
    const StateOf<C> usual = cell.initial_state(batch);
    if (!same_shapes(state, usual)) fail_given_state(shapes_of(state), shapes_of(usual), batch, site);
}

// The outputs of no time steps: how wide they would be is found by one step that is taken back.
template <class C>
Var<ValueOf<C>> no_outputs(const C& cell, const Shape& projected, const StateOf<C>& state) {
    using T = ValueOf<C>;
    Shape outputs{0};
    {
        const Attempt<T> taken_back;
        const Shape step_input(std::vector<std::size_t>(projected.begin() + 1, projected.end()));
        const Var<T> output = cell.step(input(zeros<T>(step_input)), state).first;
        for (std::size_t extent : output.shape()) outputs.append(extent);
    }
    return input(zeros<T>(outputs));
}

template <class C>
UnrolledOf<C> run_time_loop(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                            const UnrollOptions& options) {
    using T = ValueOf<C>;
    const Var<T> projected = project(cell, options.batch_first ? transpose(x, {1, 0, 2}) : input(x));
    const std::vector<Var<T>> inputs = unstack(Operand<T>(projected, x.site()));
    std::vector<Var<T>> outputs;
    outputs.reserve(inputs.size());
    UnrolledOf<C> result{{}, initial, {}};
    for (std::size_t t = 0; t < inputs.size(); ++t) {
        const Label<T> time_step(t);
        auto [output, next] = cell.step(inputs[t], result.state);
        if (!same_shapes<StateOf<C>>(next, result.state))
            fail_next_state(shapes_of(next), shapes_of(result.state), t, x.site());
        outputs.push_back(output);
        result.state = std::move(next);
        if (options.trace) result.trace.push_back(result.state);
    }
    result.outputs = inputs.empty() ? no_outputs(cell, projected.shape(), initial)
                                    : stack(Operands<T>(std::move(outputs), x.site()));
    if (options.batch_first) result.outputs = transpose(Operand<T>(result.outputs, x.site()), {1, 0, 2});
    return result;
}

}  // namespace detail

/// Runs a cell over a sequence: the only time loop of the library.
///
/// x is [T, B, I], `state` is what the first step gets, and the outputs are [T, B, H]; T and B may be 0. The
/// cell's `project` runs once, before the loop. The nodes of a step are labelled `t=0`, `t=1`, ..., and there
/// are a + b T of them. Throws `std::invalid_argument` when x does not have three axes, when the shapes of
/// `state` are not those of the cell's initial state, or when a step changes them; whatever is thrown, the
/// tape is as before.
template <class C>
UnrolledOf<C> unroll(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& state,
                     const UnrollOptions& options = {}) {
    detail::require_sequence(x.shape(), x.site());
    detail::require_state(cell, state, x.shape()[options.batch_first ? 0 : 1], x.site());
    detail::Attempt<ValueOf<C>> attempt;
    UnrolledOf<C> result = detail::run_time_loop(cell, x, state, options);
    attempt.keep();
    return result;
}

/// The same from the cell's initial state.
template <class C>
UnrolledOf<C> unroll(const C& cell, const Operand<ValueOf<C>>& x, const UnrollOptions& options = {}) {
    detail::require_sequence(x.shape(), x.site());
    detail::Attempt<ValueOf<C>> attempt;
    const StateOf<C> state = cell.initial_state(x.shape()[options.batch_first ? 0 : 1]);
    UnrolledOf<C> result = detail::run_time_loop(cell, x, state, options);
    attempt.keep();
    return result;
}

}  // namespace tapeloop::nn
