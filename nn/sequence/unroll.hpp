#pragma once

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linear_recurrence.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/rollback.hpp>
#include <autograd/record/steady.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/sequence/counted_steps.hpp>
#include <nn/sequence/lengths.hpp>
#include <nn/sequence/memory_plan.hpp>
#include <nn/sequence/recomputed.hpp>
#include <nn/training.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

namespace tapeloop::nn {

namespace detail {

/// Returns the batch size.
std::size_t require_sequence(const Shape& x, const UnrollOptions& options, const CallSite& site);
/// The permutation that makes [T, B, ..] of [B, T, ..], and the other way round.
std::vector<int> batch_and_time_exchanged(const Shape& x);
/// Throws unless the first `leading` axes of a projected part are those of x.
void require_projected(const Shape& part, const Shape& x, std::size_t leading, const CallSite& site);
void require_output_rows(const Shape& output, std::size_t rows, std::size_t time_step, const CallSite& site);
[[noreturn]] void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual,
                                   std::size_t batch, const CallSite& site);
[[noreturn]] void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before,
                                  std::size_t time_step, const CallSite& site);

/// Returns whether a part of a given state fits the usual one: its shape is the same, but for axes behind the
/// first that are usually 0. Those are open: the source that a decoder attends to has any length.
bool fits_usual(const Shape& given, const Shape& usual);

/// Parts of a given state through which parameters would lose their gradient: those that the cell's
/// initial state makes of parameters, that are given as mere values, and that no step changes.
template <class T>
class LostGradients {
  public:
    /// The next part of the given state, and of the usual one.
    void look(const Var<T>& given, const Var<T>& usual);
    bool empty() const { return parts_.empty(); }
    /// Throws `std::logic_error` when one is handed on to the end.
    void require_none(const std::vector<Var<T>>& final_state, const CallSite& site) const;

  private:
    struct Part {
        Var<T> given;
        std::string parameter;
        std::size_t place;
    };
    std::vector<Part> parts_;
    std::size_t count_ = 0;
};

extern template class LostGradients<float>;
extern template class LostGradients<double>;

template <class C>
LostGradients<ValueOf<C>> require_state(const C& cell, const StateOf<C>& state, std::size_t batch,
                                        const CallSite& site) {
    const tapeloop::detail::Rollback taken_back(Tape<ValueOf<C>>::current());
    const Evaluation nothing_is_drawn;
    const StateOf<C> usual = cell.initial_state(batch);
    if (!same_shapes(state, usual, fits_usual))
        fail_given_state(shapes_of(state), shapes_of(usual), batch, site);
    LostGradients<ValueOf<C>> lost;
    for_each_part([&](const auto& given, const auto& own) { lost.look(given, own); }, state, usual);
    return lost;
}

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
                                                    const PreparedOf<C>& prepared, std::size_t t,
                                                    const StateOf<C>& state, const CallSite& site) {
    auto result = step(cell, inputs.at(t), state, prepared);
    if (!same_shapes(result.second, state))
        fail_next_state(shapes_of(result.second), shapes_of(state), t, site);
    return result;
}

/// What a stretch of time steps gives, each by its place in it.
template <class C>
struct Steps {
    std::vector<Var<ValueOf<C>>> outputs;
    StateOf<C> state;
    std::vector<StateOf<C>> trace;
};

/// Takes the time steps of x, of which the first is `first` of the whole sequence.
template <class C>
Steps<C> run_steps(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                   const PreparedOf<C>& prepared, const UnrollOptions& options, std::size_t first) {
    using T = ValueOf<C>;
    const std::size_t count = x.shape()[0];
    const StepInputs<C> inputs(cell, prepared, x, 2, options.hoist,
                               [](const Operand<T>& part) { return unstack(part); });
    Steps<C> result{std::vector<Var<T>>(count), initial, {}};
    if (options.trace) result.trace.resize(count, initial);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t t = options.reverse ? count - 1 - k : k;
        const LabelScope<T> time_step(first + t);
        std::tie(result.outputs[t], result.state) =
            checked_step(cell, inputs, prepared, t, result.state, x.site());
        if (options.trace) result.trace[t] = result.state;
    }
    return result;
}

template <class C>
UnrolledOf<C> run_whole(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                        const UnrollOptions& options) {
    if (x.shape()[0] == 0) return {no_outputs(cell, x.shape(), initial), initial, {}};
    Steps<C> steps = run_steps(cell, x, initial, prepare(cell), options, 0);
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
    std::vector<Var<T>> outputs(count);
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t t = options.reverse ? count - 1 - k : k;
        const LabelScope<T> time_step(first + t);
        if (const auto& rows = steps.rows(t); !rows.empty()) {
            auto [output, next] =
                checked_step(cell, inputs, prepared, t, structured(states.of(rows), initial), x.site());
            require_output_rows(output.shape(), rows.size(), t, x.site());
            states.take(listed<T>(next));
            outputs[t] = output;
        }
        if (options.trace) result.trace[t] = structured(states.settle(), initial);
    }
    std::erase_if(outputs, [](const Var<T>& output) { return output.is(Var<T>()); });
    result.outputs = steps.spread(std::move(outputs), x.site());
    result.state = structured(states.all(), initial);
    return result;
}

/// Unrolls a cell that is linear in its state: all time steps at once. What does not count is carried on as
/// it is.
template <IsLinear C>
UnrolledOf<C> run_linear(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                         const UnrollOptions& options, const CountedSteps& steps) {
    using T = ValueOf<C>;
    const auto counted = [&](const Var<T>& all) {
        return steps.all() ? all : steps.packed(Operand<T>(all, x.site()));
    };
    const auto spread = [&](const Var<T>& part) {
        return steps.all() ? part : steps.spread(std::vector<Var<T>>{part}, x.site());
    };
    const PreparedOf<C> prepared = prepare(cell);
    const ProjectedOf<C> projected = project(cell, counted(input(x)), prepared);
    auto [a, b] = cell.coefficients(projected);
    if (!steps.all()) {
        const Var<T> counts = input(steps.counting<T>(a.shape().rank() - 1));
        a = where(counts, spread(a), 1);
        b = where(counts, spread(b), 0);
    }
    const Var<T> h = linear_recurrence(Operand<T>(a, x.site()), b, initial, options.reverse);
    const std::ptrdiff_t last = options.reverse ? 0 : static_cast<std::ptrdiff_t>(x.shape()[0]) - 1;
    UnrolledOf<C> result{spread(output_of(cell, projected, counted(h))),
                         reshape(slice(h, 0, last, last + 1), initial.shape()),
                         {}};
    if (options.trace) result.trace = unstack(h);
    return result;
}

/// Finds how to part a sequence that is to take `options.memory` bytes: by a step that is taken back.
template <class C>
MemoryPlan plan_within(const C& cell, const Shape& x, const StateOf<C>& initial,
                       const UnrollOptions& options) {
    using T = ValueOf<C>;
    const Tape<T>& tape = Tape<T>::current();
    const auto before = tape.mark();
    std::size_t step_bytes = 0;
    std::size_t state_bytes = 0;
    try_step(cell, x, initial, [&](const auto&, const StateOf<C>& next) {
        const auto after = tape.mark();
        const auto bytes_of_nodes = [](std::size_t count) {
            return count * (sizeof(tapeloop::detail::Node<T>) + 4 * sizeof(NodeIndex));
        };
        step_bytes = after.value_bytes - before.value_bytes + bytes_of_nodes(after.nodes - before.nodes);
        for_each_part(
            [&](const Var<T>& part) {
                state_bytes += (part.shape().size() * sizeof(T) + 63) / 64 * 64 + bytes_of_nodes(1);
            },
            next);
        state_bytes += bytes_of_nodes(2);
    });
    return MemoryPlan::within(options.memory, x[0], step_bytes, state_bytes);
}

/// Unrolls a cell in stretches of which only the states between them are kept.
template <class C>
class RunWithin {
    using T = ValueOf<C>;
    using Vars = std::vector<Var<T>>;

  public:
    RunWithin(const C& cell, const Operand<T>& x, const UnrollOptions& options)
        : own_(std::make_shared<const Own>(Own{cell, input(x), prepare(cell), options, x.site()})) {}

    UnrolledOf<C> run(const StateOf<C>& initial, const MemoryPlan& plan) const {
        const auto [outputs, last, state] = run_parts(own_, {0, own_->x.shape()[0]}, initial, plan);
        return {own_->joined({outputs, last}), state, {}};
    }

  private:
    /// Time steps in the order in which they are read.
    struct Range {
        std::size_t begin;
        std::size_t end;
    };
    /// The outputs but for the last one that was read, that one, and the state. It stays apart since it is
    /// often the state as well, and its cotangents are then summed as if there were no stretches.
    using Stretch = std::tuple<Vars, Vars, StateOf<C>>;

    /// What all stretches need, which come back to it.
    struct Own {
        const C& cell;
        Var<T> x;
        PreparedOf<C> prepared;
        UnrollOptions options;
        CallSite site;

        /// Joins outputs of time steps that were read one behind the other: of some, [T, B, ..], of one,
        /// [B, ..], and so on.
        Vars joined_to_list(std::vector<Vars> read) const {
            Vars parts;
            for (std::size_t k = 0; k < read.size(); ++k)
                for (const Var<T>& part : read[k]) parts.push_back(k % 2 == 0 ? part : with_time(part));
            if (options.reverse) std::reverse(parts.begin(), parts.end());
            if (parts.size() > 1) parts = {concatenate(Operands<T>(std::move(parts), site), 0)};
            return parts;
        }
        Var<T> joined(std::vector<Vars> read) const { return joined_to_list(std::move(read)).front(); }
        Var<T> with_time(const Var<T>& output) const {
            Shape shape{1};
            for (const std::size_t extent : output.shape()) shape.append(extent);
            return reshape(Operand<T>(output, site), shape);
        }
    };

    static Stretch run_parts(const std::shared_ptr<const Own>& own, Range range, const StateOf<C>& initial,
                             const MemoryPlan& plan) {
        std::vector<Vars> outputs;
        StateOf<C> state = initial;
        Range part{range.begin, range.begin};
        const std::vector<std::size_t> lengths = plan.parts(range.end - range.begin);
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            part = {part.end, part.end + lengths[i]};
            const MemoryPlan inner = plan.of_part(i, lengths[i]);
            auto [most, last, next] = recomputed(
                [own, part, state, inner] {
                    return inner.depth == 0 ? run_stretch(*own, part, state)
                                            : run_parts(own, part, state, inner);
                },
                own->site);
            outputs.push_back(std::move(most));
            outputs.push_back(std::move(last));
            state = std::move(next);
        }
        Vars last = std::move(outputs.back());
        outputs.pop_back();
        return {own->joined_to_list(std::move(outputs)), std::move(last), std::move(state)};
    }

    static Stretch run_stretch(const Own& own, Range range, const StateOf<C>& initial) {
        const tapeloop::detail::Steady steady(own.x.tape());
        const std::size_t all = own.x.shape()[0];
        const std::size_t first = own.options.reverse ? all - range.end : range.begin;
        const std::size_t count = range.end - range.begin;
        const Var<T> part = slice(Operand<T>(own.x, own.site), 0, static_cast<std::ptrdiff_t>(first),
                                  static_cast<std::ptrdiff_t>(first + count));
        const Operand<T> x(part, own.site);
        UnrollOptions options = own.options;
        for (std::size_t& length : options.lengths) length = std::clamp(length, first, first + count) - first;
        const CountedSteps counted(options, count, part.shape()[1]);
        if (!counted.all()) {
            auto [outputs, state, trace] =
                run_counted(own.cell, x, initial, own.prepared, options, counted, first);
            return {Vars{outputs}, Vars{}, std::move(state)};
        }
        auto [outputs, state, trace] = run_steps(own.cell, x, initial, own.prepared, options, first);
        const auto last = options.reverse ? outputs.begin() : outputs.end() - 1;
        Vars apart{*last};
        outputs.erase(last);
        if (outputs.size() > 0) outputs = {stack(Operands<T>(std::move(outputs), own.site))};
        return {std::move(outputs), std::move(apart), std::move(state)};
    }

    std::shared_ptr<const Own> own_;
};

template <class C>
UnrolledOf<C> run(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                  const UnrollOptions& options) {
    if constexpr (UnrollsItself<C>) {
        return cell.unroll(input(x), initial, options);
    } else {
        const CountedSteps steps(options, x.shape()[0], x.shape()[1]);
        if constexpr (IsLinear<C>)
            if (options.hoist && x.shape()[0] != 0 && (steps.all() || steps.count() != 0))
                return run_linear(cell, x, initial, options, steps);
        if (options.memory != 0)
            if (const MemoryPlan plan = plan_within(cell, x.shape(), initial, options); plan.depth > 0)
                return RunWithin<C>(cell, x, options).run(initial, plan);
        return steps.all() ? run_whole(cell, x, initial, options)
                           : run_counted(cell, x, initial, prepare(cell), options, steps, 0);
    }
}

template <class C>
UnrolledOf<C> run_either_way(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                             const UnrollOptions& options) {
    using T = ValueOf<C>;
    if (!options.batch_first) return run(cell, x, initial, options);
    UnrollOptions inner = options;
    inner.batch_first = false;
    inner.mask = options.mask.transposed();
    const Var<T> time_first = transpose(x, batch_and_time_exchanged(x.shape()));
    UnrolledOf<C> result = run(cell, Operand<T>(time_first, x.site()), initial, inner);
    result.outputs =
        transpose(Operand<T>(result.outputs, x.site()), batch_and_time_exchanged(result.outputs.shape()));
    return result;
}

/// Returns whether any row has a time step.
bool reads_anything(const Shape& x, const UnrollOptions& options);

/// Takes the place of an argument behind a failed check, so that nothing else is wrong with the call.
struct Anything {
    template <class X>
    Anything(const X&) {}
};
template <class C>
using SequenceFor = std::conditional_t<KeepsContract<C>, Operand<typename Named<C>::Value>, Anything>;
template <class C>
using StateFor = std::conditional_t<KeepsContract<C>, typename Named<C>::State, Anything>;
template <class C>
using UnrolledFor = Unrolled<typename Named<C>::Value, typename Named<C>::State>;
/// Returns what `make` returns. When it throws, the current tape and that of x, which may be another, are as
/// before.
template <class T, class Make>
auto run_or_take_back(const Operand<T>& x, const Make& make) {
    Tape<T>& current = Tape<T>::current();
    tapeloop::detail::Rollback rollback(current);
    tapeloop::detail::Rollback rollback_of_x(x.tape() != nullptr ? *x.tape() : current);
    const tapeloop::detail::Steady steady(x.tape() != nullptr ? *x.tape() : current);
    auto result = make();
    rollback.keep();
    rollback_of_x.keep();
    return result;
}

}  // namespace detail

/// Runs a cell, or a layer that unrolls itself, over a sequence. The only time loop of the library is in it.
///
/// x is [T, B, ..], such as [T, B, I], or [T, B, C, H, W] for a cell that reads images; `state` is what the
/// first step gets, and the outputs are [T, B, ..], as the step makes them; T and B may be 0. The cell's
/// `prepare` runs once, and its `project` once, before the loop, unless `hoist` is off. A step's nodes are
/// labelled `t=0`, `t=1`, ..., and there are a + b T of them; of a cell that is linear in its state there are
/// as many for any T, unless `hoist` is off. Throws `std::invalid_argument` when x has less
/// than three axes, when there is not one length for each row, when the mask or the shapes of `state` do not
/// fit, or when a step changes these; and `std::logic_error` when a part of `state` is a value that
/// initial_state would make of parameters and all steps hand on, for these would get no gradient. Whatever is
/// thrown, the tape is as before.
template <class C>
detail::UnrolledFor<C> unroll(const C& cell, const detail::SequenceFor<C>& x,
                              const detail::StateFor<C>& state, const UnrollOptions& options = {}) {
    [[maybe_unused]] const detail::Contract<C> says_what_is_missing;
    if constexpr (!detail::KeepsContract<C>) {
        return {};
    } else {
        const std::size_t batch = detail::require_sequence(x.shape(), options, x.site());
        const auto lost = detail::require_state(cell, state, batch, x.site());
        return detail::run_or_take_back(x, [&] {
            UnrolledOf<C> result = detail::run_either_way(cell, x, state, options);
            if (!lost.empty() && detail::reads_anything(x.shape(), options))
                lost.require_none(detail::listed<ValueOf<C>>(result.state), x.site());
            return result;
        });
    }
}

/// Unrolls a cell from its initial state.
template <class C>
detail::UnrolledFor<C> unroll(const C& cell, const detail::SequenceFor<C>& x,
                              const UnrollOptions& options = {}) {
    [[maybe_unused]] const detail::Contract<C> says_what_is_missing;
    if constexpr (!detail::KeepsContract<C>) {
        return {};
    } else {
        const std::size_t batch = detail::require_sequence(x.shape(), options, x.site());
        return detail::run_or_take_back(x, [&] {
            return detail::run_either_way(cell, x, StateOf<C>(cell.initial_state(batch)), options);
        });
    }
}

}  // namespace tapeloop::nn
