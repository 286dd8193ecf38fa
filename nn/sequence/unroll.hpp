#pragma once

#include <autograd/ops/complex_recurrence.hpp>
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
#include <nn/sequence/run_within.hpp>
#include <nn/sequence/time_steps.hpp>
#include <nn/training.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace tapeloop::nn {

namespace detail {

/// Returns the batch size.
std::size_t require_sequence(const Shape& x, const UnrollOptions& options, const CallSite& site);
/// The permutation that makes [T, B, ..] of [B, T, ..], and the other way round.
std::vector<int> batch_and_time_exchanged(const Shape& x);
[[noreturn]] void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual,
                                   std::size_t batch, const CallSite& site);
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

/// Elements of states over which passes find what they need in the cache; a sequence that has many times as
/// many is gone through in stretches.
inline constexpr std::size_t linear_elements_at_once = 131'072;
inline constexpr std::size_t worth_stretches = 8;
inline constexpr std::size_t fewest_steps_at_once = 8;

/// The states [T, B, ..] of a cell that is linear in them, of what was projected; `or_else(part, otherwise)`
/// has the part of its coefficients where a step counts.
template <IsLinear C, class OrElse>
StateOf<C> linear_states(const C& cell, const ProjectedOf<C>& projected, const StateOf<C>& initial,
                         const PreparedOf<C>& prepared, bool reverse, const CallSite& site,
                         const OrElse& or_else) {
    using T = ValueOf<C>;
    if constexpr (IsComplex<C>) {
        const std::array<Var<T>, 3> all = coefficients_of(cell, projected, prepared);
        const Var<T> re = or_else(all[0], 1);
        const Var<T> im = or_else(all[1], 0);
        return complex_recurrence(Operand<T>(re, site), im, or_else(all[2], 0), initial, reverse);
    } else {
        const auto [a, b] = coefficients_of(cell, projected, prepared);
        const Var<T> own_a = or_else(a, 1);
        return linear_recurrence(Operand<T>(own_a, site), or_else(b, 0), initial, reverse);
    }
}

/// Unrolls a cell that is linear in its state, `at_once` time steps at once.
template <IsLinear C>
UnrolledOf<C> run_linear_stretches(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                                   const UnrollOptions& options, std::size_t at_once) {
    using T = ValueOf<C>;
    const std::size_t count = x.shape()[0];
    const PreparedOf<C> prepared = prepare(cell);
    const ProjectedOf<C> projected = project(cell, input(x), prepared);
    UnrolledOf<C> result{{}, initial, {}};
    std::vector<Var<T>> outputs;
    std::vector<Var<T>> states;
    for (std::size_t done = 0; done < count; done += at_once) {
        const std::size_t size = std::min(at_once, count - done);
        const std::size_t begin = options.reverse ? count - done - size : done;
        const auto cut = [&x](const Var<T>& part, std::size_t first, std::size_t behind) {
            return slice(Operand<T>(part, x.site()), 0, static_cast<std::ptrdiff_t>(first),
                         static_cast<std::ptrdiff_t>(behind));
        };
        const ProjectedOf<C> own =
            map_state([&](const Var<T>& part) { return cut(part, begin, begin + size); }, projected);
        states.push_back(linear_states(cell, own, result.state, prepared, options.reverse, x.site(),
                                       [](const Var<T>& part, int) { return part; }));
        outputs.push_back(output_of(cell, own, states.back(), prepared));
        const std::size_t last = options.reverse ? 0 : size - 1;
        result.state = reshape(cut(states.back(), last, last + 1), initial.shape());
    }
    if (options.reverse) {
        std::reverse(outputs.begin(), outputs.end());
        std::reverse(states.begin(), states.end());
    }
    result.outputs = concatenate(Operands<T>(std::move(outputs), x.site()), 0);
    if (options.trace)
        for (const Var<T>& stretch : states)
            for (Var<T>& state : unstack(stretch)) result.trace.push_back(std::move(state));
    return result;
}

/// Unrolls a cell that is linear in its state: all time steps at once, or as many as the cache has room for.
/// What does not count is carried on as it is.
template <IsLinear C>
UnrolledOf<C> run_linear(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                         const UnrollOptions& options, const CountedSteps& steps) {
    using T = ValueOf<C>;
    const std::size_t at_once = std::max(
        linear_elements_at_once / std::max<std::size_t>(initial.shape().size(), 1), fewest_steps_at_once);
    if (steps.all() && worth_stretches * at_once < x.shape()[0])
        return run_linear_stretches(cell, x, initial, options, at_once);
    const auto counted = [&](const Var<T>& all) {
        return steps.all() ? all : steps.packed(Operand<T>(all, x.site()));
    };
    const auto spread = [&](const Var<T>& part) {
        return steps.all() ? part : steps.spread(std::vector<Var<T>>{part}, x.site());
    };
    const PreparedOf<C> prepared = prepare(cell);
    const ProjectedOf<C> projected = project(cell, counted(input(x)), prepared);
    // Of what does not count the coefficient is 1, and nothing is added.
    std::optional<Var<T>> counts;
    const auto or_else = [&](const Var<T>& part, int otherwise) {
        if (steps.all()) return part;
        if (!counts.has_value()) counts = steps.counting<T>(part.shape().rank() - 1, x.site());
        return where(*counts, spread(part), otherwise);
    };
    const Var<T> h = linear_states(cell, projected, initial, prepared, options.reverse, x.site(), or_else);
    const std::ptrdiff_t last = options.reverse ? 0 : static_cast<std::ptrdiff_t>(x.shape()[0]) - 1;
    UnrolledOf<C> result{spread(output_of(cell, projected, counted(h), prepared)),
                         reshape(slice(h, 0, last, last + 1), initial.shape()),
                         {}};
    if (options.trace) result.trace = unstack(h);
    return result;
}

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
                return run_within(cell, x, initial, options, plan);
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
/// as many for any T, or for each stretch of a long one that the cache has room for, unless `hoist` is off.
/// Throws `std::invalid_argument` when x has less than three axes, when there is not one length for each row,
/// when the mask or the shapes of `state` do not fit, or when a step changes these; and `std::logic_error`
/// when a part of `state` is a value that initial_state would make of parameters and all steps hand on, for
/// these would get no gradient. Whatever is thrown, the tape is as before.
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
