#pragma once

#include <autograd/study/jacobian/states.hpp>
#include <nn/sequence/state.hpp>

#include <algorithm>
#include <vector>

namespace tapeloop::nn {

/// The states of a trace as studies take them: `jacobian_lens(nn::states(run.trace))` for a `run` that was
/// unrolled with `UnrollOptions::trace`. Those of a network that reads in reverse come from the last time
/// step on; the first part that the steps change tells which they are. A trace of two directions, as that of
/// `Bidirectional`, has no one order: take the states of one of them, `trace[t].first` or `.second`.
template <class S>
auto states(const std::vector<S>& trace) {
    using T = typename detail::StateValue<S>::type;
    States<T> list;
    for (const S& state : trace)
        for_each_part([&parts = list.emplace_back()](const Var<T>& part) { parts.push_back(part); }, state);
    if (list.empty()) return list;
    const auto is_same = [](const Var<T>& a, const Var<T>& b) { return a.is(b); };
    const auto [first, last] =
        std::mismatch(list.front().begin(), list.front().end(), list.back().begin(), is_same);
    const bool reads_in_reverse = first != list.front().end() && last->index() < first->index();
    if (reads_in_reverse) std::reverse(list.begin(), list.end());
    return list;
}

/// Returns the states of all steps, with the one that the first step got in front. Its parts must be nodes of
/// their own; those of a default initial state may share one, such as zeros.
template <class S>
auto states(const S& initial, const std::vector<S>& trace) {
    auto list = states(trace);
    auto first = states(std::vector<S>{initial});
    list.insert(list.begin(), first.front());
    return list;
}

}  // namespace tapeloop::nn
