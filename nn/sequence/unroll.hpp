#pragma once

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/attempt.hpp>
#include <autograd/record/steady.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>

namespace tapeloop::nn {

namespace detail {

/// Returns the batch size.
std::size_t require_sequence(const Shape& x, const UnrollOptions& options, const Site& site);
[[noreturn]] void fail_given_state(const std::vector<Shape>& given, const std::vector<Shape>& usual,
                                   std::size_t batch, const Site& site);
[[noreturn]] void fail_without_batch(const Shape& part, std::size_t batch, const Site& site);
[[noreturn]] void fail_next_state(const std::vector<Shape>& next, const std::vector<Shape>& before,
                                  std::size_t time_step, const Site& site);

/// Whether a part of a given state fits the usual one: its shape is the same, but for axes behind the first
/// that are usually 0. Those are open: the source that a decoder attends to has any length.
bool fits_usual(const Shape& given, const Shape& usual);

template <class C>
void require_state(const C& cell, const StateOf<C>& state, std::size_t batch, const Site& site) {
    const tapeloop::detail::Attempt taken_back(Tape<ValueOf<C>>::current());
    const StateOf<C> usual = cell.initial_state(batch);
    if (!same_shapes(state, usual, fits_usual))
        fail_given_state(shapes_of(state), shapes_of(usual), batch, site);
}

// Outputs where no row has a time step: how wide they would be is found by one step that is taken back.
template <class C>
Var<ValueOf<C>> no_outputs(const C& cell, const Shape& projected, const StateOf<C>& state) {
    using T = ValueOf<C>;
    Shape outputs{projected[0]};
    {
        const tapeloop::detail::Attempt taken_back(Tape<T>::current());
        const Shape step_input(std::vector<std::size_t>(projected.begin() + 1, projected.end()));
        const Var<T> output = cell.step(input(zeros<T>(step_input)), state).first;
        for (std::size_t extent : output.shape()) outputs.append(extent);
    }
    return input(zeros<T>(outputs));
}

/// The time steps of a padded batch at which some row has ended, and which rows then go on.
template <class T>
class Endings {
  public:
    Endings(const std::vector<std::size_t>& lengths, std::size_t time_steps, const Site& site)
        : first_(time_steps), last_(time_steps), site_(site) {
        if (lengths.empty()) return;
        first_ = *std::min_element(lengths.begin(), lengths.end());
        if (first_ < time_steps) masks_ = length_mask<T>(lengths, time_steps);
        last_ = *std::max_element(lengths.begin(), lengths.end());
    }

    /// The number of time steps that any row has.
    std::size_t last() const { return last_; }
    bool none() const { return masks_.dimension() == 0; }

    /// `next` for the rows that go on at time step t, `before` for those that have ended. Parts of a state
    /// are [B, ..], unless a step leaves them as they are.
    template <class State>
    State settle(std::size_t t, const State& next, const State& before) const {
        if (t < first_) return next;
        return map_state([&](const auto& one, const auto& other) { return keep_ended(t, one, other); }, next,
                         before);
    }

  private:
    Var<T> keep_ended(std::size_t t, const Var<T>& next, const Var<T>& before) const {
        if (next.is(before)) return next;
        const std::size_t batch = masks_.shape()[1];
        if (next.shape().rank() == 0 || next.shape()[0] != batch)
            fail_without_batch(next.shape(), batch, site_);
        std::vector<std::size_t> shape(next.shape().rank(), 1);
        shape[0] = batch;
        Tensor<T> goes_on = uninitialised<T>(Shape(shape));
        std::copy_n(masks_.data() + t * batch, batch, goes_on.data());
        return where(goes_on, next, before);
    }

    Tensor<T> masks_;
    std::size_t first_;
    std::size_t last_;
    Site site_;
};

template <class C>
UnrolledOf<C> run_time_loop(const C& cell, const Var<ValueOf<C>>& x, const Site& site,
                            const StateOf<C>& initial, const UnrollOptions& options) {
    using T = ValueOf<C>;
    const std::size_t T_all = x.shape()[0];
    const Endings<T> endings(options.lengths, T_all, site);
    const Var<T> read = endings.none() ? x : mask_by_lengths(x, options.lengths);
    const Var<T> projected = options.hoist ? project(cell, read) : read;
    const std::vector<Var<T>> inputs = unstack(Operand<T>(projected, site));
    const std::size_t count = endings.last();
    std::vector<Var<T>> outputs(count);
    UnrolledOf<C> result{{}, initial, {}};
    if (options.trace) result.trace.resize(T_all, initial);
    const tapeloop::detail::Steady steady(x.tape());
    for (std::size_t k = 0; k < count; ++k) {
        const std::size_t t = options.reverse ? count - 1 - k : k;
        const Label<T> time_step(t);
        const Var<T> u = options.hoist ? inputs[t] : project(cell, inputs[t]);
        auto [output, next] = cell.step(u, result.state);
        if (!same_shapes<StateOf<C>>(next, result.state))
            fail_next_state(shapes_of(next), shapes_of(result.state), t, site);
        outputs[t] = output;
        result.state = endings.settle(t, StateOf<C>(std::move(next)), result.state);
        if (options.trace) result.trace[t] = result.state;
    }
    if (outputs.empty()) {
        const Shape shape = options.hoist ? projected.shape() : project(cell, read).shape();
        result.outputs = no_outputs(cell, shape, initial);
        return result;
    }
    if (options.trace && !options.reverse)
        std::fill(result.trace.begin() + static_cast<std::ptrdiff_t>(count), result.trace.end(),
                  result.state);
    result.outputs = stack(Operands<T>(std::move(outputs), site));
    if (count < T_all) {
        std::vector<Padding> behind(result.outputs.shape().rank());
        behind[0].after = T_all - count;
        result.outputs = pad(Operand<T>(result.outputs, site), behind);
    }
    if (!endings.none()) result.outputs = mask_by_lengths(result.outputs, options.lengths);
    return result;
}

template <class C>
UnrolledOf<C> run(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                  const UnrollOptions& options) {
    using T = ValueOf<C>;
    const Var<T> time_first = options.batch_first ? transpose(x, {1, 0, 2}) : input(x);
    UnrolledOf<C> result;
    if constexpr (UnrollsItself<C>) {
        UnrollOptions inner = options;
        inner.batch_first = false;
        result = cell.unroll(time_first, initial, inner);
    } else {
        result = run_time_loop(cell, time_first, x.site(), initial, options);
    }
    if (options.batch_first) result.outputs = transpose(Operand<T>(result.outputs, x.site()), {1, 0, 2});
    return result;
}

/// What `make` returns. When it throws, the current tape and that of x, which may be another, are as before.
template <class T, class Make>
auto run_or_take_back(const Operand<T>& x, const Make& make) {
    Tape<T>& current = Tape<T>::current();
    tapeloop::detail::Attempt attempt(current);
    tapeloop::detail::Attempt attempt_of_x(x.tape() != nullptr ? *x.tape() : current);
    auto result = make();
    attempt.keep();
    attempt_of_x.keep();
    return result;
}

}  // namespace detail

/// Runs a cell, or a layer that unrolls itself, over a sequence. The only time loop of the library is in it.
///
/// x is [T, B, I], `state` is what the first step gets, and the outputs are [T, B, H]; T and B may be 0. The
/// cell's `project` runs once, before the loop, unless `hoist` is off. A step's nodes are labelled `t=0`,
/// `t=1`, ..., and there are a + b T of them. Throws `std::invalid_argument` when x does not have three
/// axes, when there is not one length for each row, when the shapes of `state` are not those of the cell's
/// initial state, or when a step changes them; whatever is thrown, the tape is as before.
template <class C>
UnrolledOf<C> unroll(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& state,
                     const UnrollOptions& options = {}) {
    const std::size_t batch = detail::require_sequence(x.shape(), options, x.site());
    detail::require_state(cell, state, batch, x.site());
    return detail::run_or_take_back(x, [&] { return detail::run(cell, x, state, options); });
}

/// The same from the cell's initial state.
template <class C>
UnrolledOf<C> unroll(const C& cell, const Operand<ValueOf<C>>& x, const UnrollOptions& options = {}) {
    const std::size_t batch = detail::require_sequence(x.shape(), options, x.site());
    return detail::run_or_take_back(
        x, [&] { return detail::run(cell, x, StateOf<C>(cell.initial_state(batch)), options); });
}

}  // namespace tapeloop::nn
