#pragma once

#include <autograd/check/function.hpp>
#include <nn/check/cell_under_check.hpp>

/// This file makes the loss that a check differentiates from a cell's outputs and its final state.
namespace tapeloop::nn::detail {

template <class T>
using BpttLoss = std::function<std::vector<Var<T>>(const Var<T>& outputs, const Parts<T>& final_state)>;

/// The parts as a state of the cell's own structure.
template <class C>
StateOf<C> state_from(const C& cell, std::size_t batch, const Parts<ValueOf<C>>& parts) {
    const StateOf<C> structure = cell.initial_state(batch);
    std::size_t next = 0;
    return map_state([&](const auto&) { return parts.at(next++); }, structure);
}

/// The outputs and the final state themselves.
template <class T>
BpttLoss<T> everything() {
    return [](const Var<T>& outputs, const Parts<T>& final_state) {
        std::vector<Var<T>> results{outputs};
        results.insert(results.end(), final_state.begin(), final_state.end());
        return results;
    };
}

/// A loss of the outputs, or of the outputs and the final state.
template <class C, class Loss>
BpttLoss<ValueOf<C>> bptt_loss([[maybe_unused]] const C& cell, const Loss& loss) {
    using T = ValueOf<C>;
    if constexpr (std::is_invocable_v<const Loss&, const Var<T>&, const StateOf<C>&>)
        return [&cell, &loss](const Var<T>& outputs, const Parts<T>& final_state) {
            return tapeloop::detail::as_results<T>(
                loss(outputs, state_from(cell, outputs.shape()[1], final_state)));
        };
    else
        return [&loss](const Var<T>& outputs, const Parts<T>&) {
            return tapeloop::detail::as_results<T>(loss(outputs));
        };
}

}  // namespace tapeloop::nn::detail
