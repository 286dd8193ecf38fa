#pragma once

#include <nn/sequence/memory_plan.hpp>
#include <nn/sequence/time_steps.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

/// The time loop of `unroll` within a budget of memory.
namespace tapeloop::nn::detail {

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

/// Unrolls in stretches of which only the states between them are kept. It knows the cell as a function, and
/// its state as a list.
template <class T>
class RunWithin {
  public:
    using Vars = std::vector<Var<T>>;
    struct Taken {
        Vars steps;  ///< the output of each time step,
        Vars whole;  ///< or that of all, if some rows do not have every step
        Vars state;
    };
    /// Takes the time steps of x, of which the first is `first` of the whole sequence.
    using Take = std::function<Taken(const Operand<T>& x, const UnrollOptions& options, std::size_t first,
                                     const Vars& state)>;

    RunWithin(const Operand<T>& x, const UnrollOptions& options, Take take);
    /// Returns the outputs, and the state behind them.
    std::pair<Var<T>, Vars> run(const Vars& initial, const MemoryPlan& plan) const;

  private:
    struct Own;
    std::shared_ptr<const Own> own_;
};

extern template class RunWithin<float>;
extern template class RunWithin<double>;

template <class C>
UnrolledOf<C> run_within(const C& cell, const Operand<ValueOf<C>>& x, const StateOf<C>& initial,
                         const UnrollOptions& options, const MemoryPlan& plan) {
    using T = ValueOf<C>;
    using Taken = typename RunWithin<T>::Taken;
    const Operand<T> whole(input(x), x.site());
    const RunWithin<T> stretches(
        whole, options,
        [&cell, prepared = prepare(cell), initial](const Operand<T>& part, const UnrollOptions& own,
                                                   std::size_t first, const std::vector<Var<T>>& list) {
            const StateOf<C> state = structured(list, initial);
            const CountedSteps counted(own, part.shape()[0], part.shape()[1]);
            if (counted.all()) {
                TimeSteps<C> steps = run_steps(cell, part, state, prepared, own, first);
                return Taken{std::move(steps.outputs), {}, listed<T>(steps.state)};
            }
            const auto [outputs, next, trace] = run_counted(cell, part, state, prepared, own, counted, first);
            return Taken{{}, {outputs}, listed<T>(next)};
        });
    const auto [outputs, state] = stretches.run(listed<T>(initial), plan);
    return {outputs, structured(state, initial), {}};
}

}  // namespace tapeloop::nn::detail
