#pragma once

#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/steady.hpp>
#include <nn/sequence/memory_plan.hpp>
#include <nn/sequence/recomputed.hpp>
#include <nn/sequence/time_steps.hpp>

#include <algorithm>
#include <memory>
#include <tuple>
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
        options.lengths = {};
        for (const std::size_t length : own.options.lengths)
            options.lengths.push_back(std::clamp(length, first, first + count) - first);
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

}  // namespace tapeloop::nn::detail
