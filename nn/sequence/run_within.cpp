#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/steady.hpp>
#include <nn/sequence/recomputed.hpp>
#include <nn/sequence/run_within.hpp>

#include <algorithm>
#include <tuple>

namespace tapeloop::nn::detail {

/// What all stretches need, which come back to it.
template <class T>
struct RunWithin<T>::Own {
    Var<T> x;
    UnrollOptions options;
    CallSite site;
    Take take;

    /// Time steps in the order in which they are read.
    struct Range {
        std::size_t begin;
        std::size_t end;
    };
    /// The outputs but for the last one that was read, that one, and the state. It stays apart since it is
    /// often the state as well, and its cotangents are then summed as if there were no stretches.
    using Stretch = std::tuple<Vars, Vars, Vars>;

    /// Joins outputs of time steps that were read one behind the other: of some, [T, B, ..], of one, [B, ..],
    /// and so on.
    Vars joined(std::vector<Vars> read) const {
        Vars parts;
        for (std::size_t k = 0; k < read.size(); ++k)
            for (const Var<T>& part : read[k]) parts.push_back(k % 2 == 0 ? part : with_time(part));
        if (options.reverse) std::reverse(parts.begin(), parts.end());
        if (parts.size() > 1) parts = {concatenate(Operands<T>(std::move(parts), site), 0)};
        return parts;
    }
    Var<T> with_time(const Var<T>& output) const {
        Shape shape{1};
        for (const std::size_t extent : output.shape()) shape.append(extent);
        return reshape(Operand<T>(output, site), shape);
    }

    static Stretch run_parts(const std::shared_ptr<const Own>& own, Range range, const Vars& initial,
                             const MemoryPlan& plan) {
        std::vector<Vars> outputs;
        Vars state = initial;
        Range part{range.begin, range.begin};
        const std::vector<std::size_t> lengths = plan.parts(range.end - range.begin);
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            part = {part.end, part.end + lengths[i]};
            const MemoryPlan inner = plan.of_part(i, lengths[i]);
            auto [most, last, next] = recomputed(
                [own, part, state, inner] {
                    return inner.depth == 0 ? own->run_stretch(part, state)
                                            : run_parts(own, part, state, inner);
                },
                own->site);
            outputs.push_back(std::move(most));
            outputs.push_back(std::move(last));
            state = std::move(next);
        }
        Vars last = std::move(outputs.back());
        outputs.pop_back();
        return {own->joined(std::move(outputs)), std::move(last), std::move(state)};
    }

    Stretch run_stretch(Range range, const Vars& initial) const {
        const tapeloop::detail::Steady steady(x.tape());
        const std::size_t all = x.shape()[0];
        const std::size_t first = options.reverse ? all - range.end : range.begin;
        const std::size_t count = range.end - range.begin;
        const Var<T> part = slice(Operand<T>(x, site), 0, static_cast<std::ptrdiff_t>(first),
                                  static_cast<std::ptrdiff_t>(first + count));
        UnrollOptions of_part = options;
        of_part.lengths = {};
        for (const std::size_t length : options.lengths)
            of_part.lengths.push_back(std::clamp(length, first, first + count) - first);
        auto [steps, whole, state] = take(Operand<T>(part, site), of_part, first, initial);
        if (steps.empty()) return {std::move(whole), Vars{}, std::move(state)};
        const auto last = options.reverse ? steps.begin() : steps.end() - 1;
        Vars apart{*last};
        steps.erase(last);
        if (!steps.empty()) steps = {stack(Operands<T>(std::move(steps), site))};
        return {std::move(steps), std::move(apart), std::move(state)};
    }
};

template <class T>
RunWithin<T>::RunWithin(const Operand<T>& x, const UnrollOptions& options, Take take)
    : own_(std::make_shared<const Own>(Own{input(x), options, x.site(), std::move(take)})) {}

template <class T>
std::pair<Var<T>, std::vector<Var<T>>> RunWithin<T>::run(const Vars& initial, const MemoryPlan& plan) const {
    auto [outputs, last, state] = Own::run_parts(own_, {0, own_->x.shape()[0]}, initial, plan);
    return {own_->joined({std::move(outputs), std::move(last)}).front(), std::move(state)};
}

template class RunWithin<float>;
template class RunWithin<double>;

}  // namespace tapeloop::nn::detail
