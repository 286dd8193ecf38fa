#pragma once

#include <autograd/check/function.hpp>
#include <nn/check/packed_gates.hpp>
#include <nn/check/untied.hpp>
#include <nn/closed_form/of_cell.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

/// A cell as the checks see it, so that they are compiled once: whatever its type, its state is a list.
namespace tapeloop::nn::detail {

/// The parts of a state in their order.
template <class T>
using Parts = std::vector<Var<T>>;

template <class T>
using ParameterEntries = std::vector<typename ParameterList<T>::Entry>;

template <class T>
struct Stepped {
    Var<T> output;
    Parts<T> state;
};

template <class T>
struct UnrolledParts {
    Var<T> outputs;
    Parts<T> state;
    std::vector<Parts<T>> trace;
};

template <class T>
struct BpttCell {
    ParameterEntries<T> parameters;  ///< each once
    std::vector<std::string> gates;  ///< of packed parameters; empty if the cell names none
    std::function<Parts<T>(std::size_t batch)> initial_state;
    /// From the plain input.
    std::function<Stepped<T>(const Var<T>& x, const Parts<T>& state)> step;
    std::function<UnrolledParts<T>(const Var<T>& x, const Parts<T>& state)> unroll;
    /// Step by step, and with a trace.
    std::function<UnrolledParts<T>(const Var<T>& x, const Parts<T>& state, UntiedParameters<T>& parameters)>
        unroll_untied;
    /// Empty if there is none.
    std::function<std::vector<StepTerms<T>>(const CellSequence<T>& run)> closed_form;
};

template <class T>
using BpttLoss = std::function<std::vector<Var<T>>(const Var<T>& outputs, const Parts<T>& final_state)>;

template <class C>
concept HasClosedForm = requires(const C& cell, const CellSequence<ValueOf<C>>& run) {
    { closed_form_bptt(cell, run) } -> std::same_as<std::vector<StepTerms<ValueOf<C>>>>;
};

template <class T, class S>
Parts<T> parts_of(const S& state) {
    Parts<T> parts;
    for_each_part([&](const Var<T>& part) { parts.push_back(part); }, state);
    return parts;
}

/// The parts as a state of the cell's own structure.
template <class C>
StateOf<C> state_from(const C& cell, std::size_t batch, const Parts<ValueOf<C>>& parts) {
    const StateOf<C> structure = cell.initial_state(batch);
    std::size_t next = 0;
    return map_state([&](const auto&) { return parts.at(next++); }, structure);
}

template <class C>
UnrolledParts<ValueOf<C>> run_unroll(const C& cell, const Var<ValueOf<C>>& x, const Parts<ValueOf<C>>& state,
                                     const UnrollOptions& options) {
    using T = ValueOf<C>;
    const auto unrolled = nn::unroll(cell, x, state_from(cell, x.shape()[1], state), options);
    UnrolledParts<T> result{unrolled.outputs, parts_of<T>(unrolled.state), {}};
    for (const auto& after : unrolled.trace) result.trace.push_back(parts_of<T>(after));
    return result;
}

/// The list without the second mention of a parameter that two parts of a cell share.
template <class T>
ParameterEntries<T> each_once(const ParameterList<T>& parameters) {
    ParameterEntries<T> once;
    for (const auto& entry : parameters)
        if (std::none_of(once.begin(), once.end(),
                         [&](const auto& known) { return known.parameter == entry.parameter; }))
            once.push_back(entry);
    return once;
}

template <class C>
BpttCell<ValueOf<C>> bptt_cell(C& cell) {
    using T = ValueOf<C>;
    BpttCell<T> checked;
    checked.parameters = each_once<T>(cell.parameters());
    checked.gates = gate_names_of(cell);
    checked.initial_state = [&cell](std::size_t batch) { return parts_of<T>(cell.initial_state(batch)); };
    checked.step = [&cell](const Var<T>& x, const Parts<T>& state) {
        const auto [output, next] = advance(cell, x, state_from(cell, x.shape()[0], state));
        return Stepped<T>{output, parts_of<T>(next)};
    };
    checked.unroll = [&cell](const Var<T>& x, const Parts<T>& state) {
        return run_unroll(cell, x, state, {});
    };
    checked.unroll_untied = [&cell](const Var<T>& x, const Parts<T>& state, UntiedParameters<T>& parameters) {
        return run_unroll(UntiedCell<C>{cell, parameters}, x, state, {.trace = true});
    };
    if constexpr (HasClosedForm<C>)
        checked.closed_form = [&cell](const CellSequence<T>& run) { return closed_form_bptt(cell, run); };
    return checked;
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
