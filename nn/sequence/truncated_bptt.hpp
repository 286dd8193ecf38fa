#pragma once

#include <autograd/gradient.hpp>
#include <nn/sequence/unroll.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace tapeloop::nn {

namespace detail {

/// The state in which the rows that begin anew at time step t start, and the others go on.
template <class C>
StateOf<C> begun(const C& cell, const StepMask& begins, std::size_t t, const StateOf<C>& state) {
    using T = ValueOf<C>;
    const std::size_t batch = begins.shape()[1];
    const StateOf<C> fresh = cell.initial_state(batch);
    Tensor<T> mask = zeros<T>({batch});
    for (std::size_t row = 0; row < batch; ++row) mask.data()[row] = begins(t, row) ? T(1) : T(0);
    if (std::all_of(mask.begin(), mask.end(), [](T begin) { return begin != 0; })) return fresh;
    const Var<T> rows = input(mask);
    return map_state(
        [&](const Var<T>& first, const Var<T>& before) {
            Shape shape{batch};
            while (shape.rank() < first.shape().rank()) shape.append(1);
            if (first.shape() != before.shape() || first.shape().rank() == 0 || first.shape()[0] != batch)
                throw std::invalid_argument(
                    fmt::format("truncated_bptt: a part of the state is {}; where some rows begin anew, each "
                                "part must have the "
                                "batch ({}) as its first axis, and the shape of the cell's initial state",
                                before.shape().text(), batch));
            return where(reshape(rows, shape), first, before);
        },
        fresh, state);
}

/// Unrolls a window of a stream, in which rows begin anew where `begins` says so. Returns outputs and state.
template <class C>
std::pair<Var<ValueOf<C>>, StateOf<C>> run_window(const C& cell, const Var<ValueOf<C>>& x,
                                                  const StepMask& begins, StateOf<C> state) {
    const auto [count, batch] = std::pair{x.shape()[0], x.shape()[1]};
    const auto any_begins = [&, rows = batch](std::size_t t) {
        bool any = false;
        for (std::size_t row = 0; row < rows && !begins.empty(); ++row) any = any || begins(t, row);
        return any;
    };
    std::vector<Var<ValueOf<C>>> outputs;
    for (std::size_t t = 0; t < count;) {
        if (any_begins(t)) state = begun(cell, begins, t, state);
        std::size_t end = t + 1;
        while (end < count && !any_begins(end)) ++end;
        const bool is_all = t == 0 && end == count;
        auto unrolled = unroll(
            cell, is_all ? x : slice(x, 0, static_cast<std::ptrdiff_t>(t), static_cast<std::ptrdiff_t>(end)),
            state);
        outputs.push_back(unrolled.outputs);
        state = std::move(unrolled.state);
        t = end;
    }
    return {outputs.size() == 1 ? outputs.front() : concatenate(outputs, 0), std::move(state)};
}

/// `begins`, and in the first window of a stream every row.
template <class T>
Tensor<T> beginnings(const StepMask& begins, const Shape& window, bool is_first) {
    Tensor<T> all = zeros<T>({window[0], window[1]});
    for (std::size_t t = 0; t < window[0]; ++t)
        for (std::size_t row = 0; row < window[1]; ++row)
            if ((t == 0 && is_first) || (!begins.empty() && begins(t, row))) all(t, row) = T(1);
    return all;
}

void require_window(const Shape& window);
void require_in_window(const Shape& x, const StepMask& begins, const Shape& window);

}  // namespace detail

/// What a window of a stream gives.
template <class T>
struct WindowResult {
    T loss;                  ///< of the time steps of the window
    Gradients<T> gradients;  ///< of that loss
};

/// Training on sequences that have no end: truncated backpropagation through time (Williams and Peng 1990).
/// It takes a window of k1 time steps at a time, carries the state from one to the next, and gives the
/// gradient of the window's loss through at least k2 time steps. Memory does not grow with the stream.
///
///     nn::TruncatedBptt stream(cell, {20, batch, I}, 60);                      // k1 = 20, k2 = 60
///     for (...) {
///         const auto [loss, gradients] = stream.step(
///             x, begins, [&](const Var<float>& outputs) { return nn::mse(output(outputs), target); },
///             model.parameters());
///         adam.step(gradients);
///     }
///
/// With k2 = k1 it gives the bits of `resume`, `unroll`, `gradient` and `carry` by hand. With k2 above k1 the
/// time steps before the window are computed again, from the state in front of them and with the parameters
/// as they are now. The cell must outlive the stream. `carried` is the stream's place, for a `Checkpoint`.
template <class C>
class TruncatedBptt {
    using T = ValueOf<C>;

  public:
    /// A window that has been, from which the gradient of a later one is to pass on: x, where rows begin, and
    /// the state in front of it.
    using Past = std::tuple<Tensor<T>, Tensor<T>, nn::Carried<StateOf<C>>>;
    /// The state that the next window gets, the windows before it, and how many of them there were, up to
    /// one more than are kept.
    using Carried = std::tuple<nn::Carried<StateOf<C>>, std::vector<Past>, Tensor<T>>;

    /// Makes a stream of windows x of this shape, [k1, B, ..], whose gradients pass through `reach` = k2 time
    /// steps, and through as many more as fill the earliest window. Throws `std::invalid_argument` when the
    /// window has less than three axes or an empty one.
    TruncatedBptt(const C& cell, const Shape& window, std::size_t reach = 0) : cell_(cell), window_(window) {
        detail::require_window(window);
        Tape<T> tape;
        const auto first = carry(cell.initial_state(window[1]));
        const std::size_t before = reach <= window[0] ? 0 : (reach - 1) / window[0];
        carried_ = {first,
                    std::vector<Past>(before, {zeros<T>(window), zeros<T>({window[0], window[1]}), first}),
                    zeros<T>({1})};
    }

    /// Takes the next window. `begins` [k1, B] says where a row of another sequence begins, which starts in
    /// the cell's initial state and knows nothing of what was before; all rows begin in the first window.
    /// `loss` makes a `Var` with one element of the window's outputs [k1, B, H]. Throws
    /// `std::invalid_argument` when a shape is not that of a window, and what the cell and the loss throw;
    /// the stream is then where it was.
    template <class Loss>
    WindowResult<T> step(const Tensor<T>& x, const StepMask& begins, const Loss& loss,
                         const WrtList<T>& wrt) {
        detail::require_in_window(shape_of(x), begins, window_);
        auto& [carried, past, count] = carried_;
        const std::size_t known = std::min(past.size(), static_cast<std::size_t>(count(0)));
        Past now{x, detail::beginnings<T>(begins, window_, count(0) == T(0)), carried};
        Tape<T> tape;
        const auto resumed = resume(known == 0 ? carried : std::get<2>(past[past.size() - known]));
        StateOf<C> state = detail::structured(detail::listed<T>(resumed), cell_.initial_state(window_[1]));
        for (std::size_t i = past.size() - known; i < past.size(); ++i)
            state = detail::run_window(cell_, input(std::get<0>(past[i])), StepMask(std::get<1>(past[i])),
                                       std::move(state))
                        .second;
        auto [outputs, next] =
            detail::run_window(cell_, input(x), StepMask(std::get<1>(now)), std::move(state));
        const Var<T> J = loss(outputs);
        WindowResult<T> result{J.item(), gradient(J, wrt)};
        auto then = carry(next);
        // From here on nothing throws.
        carried = std::move(then);
        if (!past.empty()) {
            std::rotate(past.begin(), past.begin() + 1, past.end());
            past.back() = std::move(now);
        }
        count(0) = std::min(count(0) + T(1), static_cast<T>(past.size() + 1));
        return result;
    }
    /// Takes a window in which no row begins anew.
    template <class Loss>
    WindowResult<T> step(const Tensor<T>& x, const Loss& loss, const WrtList<T>& wrt) {
        return step(x, {}, loss, wrt);
    }

    /// Returns the stream's place, which may be saved, and set to that of a stream of the same shapes.
    Carried& carried() { return carried_; }

  private:
    const C& cell_;
    Shape window_;
    Carried carried_;
};

}  // namespace tapeloop::nn
