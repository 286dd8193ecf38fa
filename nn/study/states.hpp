#pragma once

#include <autograd/study/states.hpp>
#include <nn/state.hpp>

#include <algorithm>
#include <vector>

namespace tapeloop::nn {

/// The states of a trace as studies take them: `jacobian_lens(nn::states(run.trace))` for a `run` that was
/// unrolled with `UnrollOptions::trace`. Those of a network that reads in reverse come from the last time
/// step on.
template <class S>
auto states(const std::vector<S>& trace) {
    using T = typename detail::StateValue<S>::type;
    States<T> list;
    for (const S& state : trace)
        for_each_part([&parts = list.emplace_back()](const Var<T>& part) { parts.push_back(part); }, state);
    const bool reads_in_reverse = list.size() > 1 && !list.front().empty() &&
                                  list.back().front().index() < list.front().front().index();
    if (reads_in_reverse) std::reverse(list.begin(), list.end());
    return list;
}

/// The same with the state in front that the first step got. Its parts must be nodes of their own; those of
/// a default initial state may share one, such as zeros.
template <class S>
auto states(const S& initial, const std::vector<S>& trace) {
    auto list = states(trace);
    auto first = states(std::vector<S>{initial});
    list.insert(list.begin(), first.front());
    return list;
}

}  // namespace tapeloop::nn
