#pragma once

#include <autograd/ops/join.hpp>
#include <autograd/record/draws.hpp>
#include <autograd/record/rollback.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/sequence/counted_steps.hpp>
#include <nn/training.hpp>

#include <optional>
#include <vector>

/// The time loop of `unroll`: one time step behind the other.
namespace tapeloop::nn::detail {

/// Throws unless the first `leading` axes of a projected part are those of x.
void require_projected(const Shape& part, const Shape& x, std::size_t leading, const CallSite& site);
void require_output_rows(const Shape& output, std::size_t rows, std::size_t time_step, const CallSite& site);
[[noreturn]] void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before,
                                  std::size_t time_step, const CallSite& site);

/// A step whose values are of no matter, which is taken back.
template <class C, class Look>
void try_step(const C& cell, const Shape& x, const StateOf<C>& state, const Look& look) {
    using T = ValueOf<C>;
    Tape<T>& tape = Tape<T>::current();
    const tapeloop::detail::Rollback taken_back(tape);
    const Evaluation nothing_is_drawn;
    auto nothing = tapeloop::detail::Draws<T>::nothing();
    const tapeloop::detail::DrawingThrough nor_by_the_cell(tape, nothing);
    const std::vector<std::size_t> of_step(x.begin() + 1, x.end());
    const auto [output, next] = advance(cell, input(ones<T>(Shape(of_step))), state);
    look(output, next);
}

// Outputs where no row has a time step: how wide they would be is found by one step that is taken back.
template <class C>
Var<ValueOf<C>> no_outputs(const C& cell, const Shape& x, const StateOf<C>& state) {
    Shape outputs{x[0]};
    try_step(cell, x, state, [&](const auto& output, const auto&) {
        for (std::size_t extent : output.shape()) outputs.append(extent);
    });
    return input(zeros<ValueOf<C>>(outputs));
}

/// Says which parts of a state have the batch as their first axis: those that another batch makes larger. One
/// that another batch leaves as it is may be a matrix that happens to have as many rows; then a step changes
/// it or not.
template <class C>
std::vector<bool> batched_parts(const C& cell, const Shape& x, const StateOf<C>& state) {
    const std::size_t batch = x[1];
    const std::vector<Shape> own = shapes_of(state);
    std::vector<Shape> larger;
    try {
        const tapeloop::detail::Rollback taken_back(Tape<ValueOf<C>>::current());
        const Evaluation nothing_is_drawn;
        larger = shapes_of(cell.initial_state(batch + 1));
    } catch (const std::exception&) {
        larger = own;  // a cell for one batch only
    }
    std::vector<bool> batched;
    bool is_open = false;
    for (std::size_t k = 0; k < own.size(); ++k) {
        const bool may_be = own[k].rank() > 0 && own[k][0] == batch;
        batched.push_back(may_be && larger[k].rank() > 0 && larger[k][0] == batch + 1);
        is_open = is_open || (may_be && !batched.back());
    }
    if (!is_open) return batched;
    try_step(cell, x, state, [&](const auto&, const StateOf<C>& next) {
        std::size_t k = 0;
        for_each_part(
            [&](const auto& after, const auto& before) {
                if (own[k].rank() > 0 && own[k][0] == batch && !after.is(before)) batched[k] = true;
                ++k;
            },
            next, state);
    });
    return batched;
}

/// The parts of a sequence that its time steps read: parts of what the cell's `project` makes of it or, if
/// that is not done for all at once, of the sequence itself.
template <class C>
class StepInputs {
    using T = ValueOf<C>;

  public:
    /// `by_time` parts a tensor into time steps; x has `leading` axes that project must keep.
    template <class ByTime>
    StepInputs(const C& cell, const PreparedOf<C>& prepared, const Operand<T>& x, std::size_t leading,
               bool hoist, const ByTime& by_time)
        : cell_(cell), prepared_(prepared) {
        const Var<T> whole = input(x);
        if (!hoist) {
            parts_.push_back(by_time(Operand<T>(whole, x.site())));
            return;
        }
        projected_.emplace(project(cell, whole, prepared));
        for_each_part(
            [&](const Var<T>& part) {
                require_projected(part.shape(), x.shape(), leading, x.site());
                parts_.push_back(by_time(Operand<T>(part, x.site())));
            },
            *projected_);
    }

    ProjectedOf<C> at(std::size_t t) const {
        if (!projected_.has_value()) return project(cell_, parts_[0][t], prepared_);
        auto next = parts_.begin();
        return map_state([&](const Var<T>&) { return (*next++)[t]; }, *projected_);
    }

  private:
    const C& cell_;
    const PreparedOf<C>& prepared_;
    std::optional<ProjectedOf<C>> projected_;
    std::vector<std::vector<Var<T>>> parts_;  ///< by time step, of each part
};

template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> checked_step(const C& cell, const StepInputs<C>& inputs,
                                                    const PreparedOf<C>& prepared, std::size_t first,
                                                    std::size_t t, const StateOf<C>& state,
                                                    const CallSite& site) {
    auto result = step(cell, inputs.at(t), state, prepared);
    if (!same_shapes(result.second, state))
        fail_next_state(shapes_of(result.second), shapes_of(state), first + t, site);
    return result;
}

/// What a stretch of time steps gives, each by its place in it.
template <class C>
struct TimeSteps {
    std::vector<Var<ValueOf<C>>> outputs;
    StateOf<C> state;
    std::vector<StateOf<C>> trace;
};

/// Takes the time steps of x, of which the first is `first` of the whole sequence.
template <class C>
TimeSteps<C> run_steps(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                       const PreparedOf<C>& prepared, const UnrollOptions& options, std::size_t first) {
    using T = ValueOf<C>;
    const std::size_t count = x.shape()[0];
    const StepInputs<C> inputs(cell, prepared, x, 2, options.hoist,
                               [](const Operand<T>& part) { return unstack(part); });
    TimeSteps<C> result{std::vector<Var<T>>(count), initial, {}};
    if (options.trace) result.trace.resize(count, initial);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t t = options.reverse ? count - 1 - k : k;
        const LabelScope<T> time_step(first + t);
        std::tie(result.outputs[t], result.state) =
            checked_step(cell, inputs, prepared, first, t, result.state, x.site());
        if (options.trace) result.trace[t] = result.state;
    }
    return result;
}

template <class C>
UnrolledOf<C> run_whole(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                        const UnrollOptions& options) {
    if (x.shape()[0] == 0) return {no_outputs(cell, x.shape(), initial), initial, {}};
    TimeSteps<C> steps = run_steps(cell, x, initial, prepare(cell), options, 0);
    return {stack(Operands<ValueOf<C>>(std::move(steps.outputs), x.site())), std::move(steps.state),
            std::move(steps.trace)};
}

/// Unrolls a cell where some rows do not have every time step: those take no part in it.
template <class C>
UnrolledOf<C> run_counted(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                          const PreparedOf<C>& prepared, const UnrollOptions& options,
                          const CountedSteps& steps, std::size_t first) {
    using T = ValueOf<C>;
    const auto [count, batch] = std::pair{x.shape()[0], x.shape()[1]};
    UnrolledOf<C> result{{}, initial, {}};
    if (options.trace) result.trace.resize(count, initial);
    if (steps.count() == 0) {
        result.outputs = no_outputs(cell, x.shape(), initial);
        return result;
    }
    RowStates<T> states(listed<T>(initial), batched_parts(cell, x.shape(), initial), batch, x.site());
    const Var<T> packed = steps.packed(x);
    const StepInputs<C> inputs(cell, prepared, Operand<T>(packed, x.site()), 1, options.hoist,
                               [&](const Operand<T>& part) { return steps.by_time(part); });
    const std::vector<Var<T>> kept_by = steps.kept_by<T>(x.site());
    std::vector<Var<T>> outputs(count);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t t = options.reverse ? count - 1 - k : k;
        const LabelScope<T> time_step(first + t);
        if (const auto& rows = steps.rows(t); !rows.empty()) {
            auto [output, next] = checked_step(cell, inputs, prepared, first, t,
                                               structured(states.of(rows), initial), x.site());
            require_output_rows(output.shape(), rows.size(), first + t, x.site());
            states.take(listed<T>(next), kept_by.empty() ? nullptr : &kept_by[t]);
            outputs[t] = output;
        }
        if (options.trace) result.trace[t] = structured(states.settle(), initial);
    }
    std::erase_if(outputs, [](const Var<T>& output) { return output.is(Var<T>()); });
    result.outputs = steps.spread(std::move(outputs), x.site());
    result.state = structured(states.all(), initial);
    return result;
}

}  // namespace tapeloop::nn::detail
