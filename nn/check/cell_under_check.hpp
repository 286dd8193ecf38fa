#pragma once

#include <nn/check/input_names.hpp>
#include <nn/check/packed_gates.hpp>
#include <nn/closed_form/of_cell.hpp>
#include <nn/wrappers/any_layer.hpp>

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

/// It refers to the cell.
template <class T>
struct CellUnderCheck {
    AnyLayer<T> layer;
    bool has_step;                             ///< as opposed to a layer that reads whole sequences
    bool unrolls_itself;                       ///< with a time loop of its own
    std::vector<std::string> gates;            ///< of packed parameters; empty if the cell names none
    ParameterEntries<T> parameters;            ///< each once
    std::vector<std::string> parameter_names;  ///< what reports call them
    /// The closed form's steps; empty if the cell has none.
    std::function<std::vector<StepTerms<T>>(const CellSequence<T>& run)> closed_form;
};

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
concept HasClosedForm = requires(const C& cell, const CellSequence<ValueOf<C>>& run) {
    { closed_form_bptt(cell, run) } -> std::same_as<std::vector<StepTerms<ValueOf<C>>>>;
};

template <class C>
CellUnderCheck<ValueOf<C>> under_check(C& cell) {
    using T = ValueOf<C>;
    CellUnderCheck<T> subject{
        AnyLayer<T>(std::ref(cell)), Cell<C>, SequenceLayer<C>, gate_names_of(cell), {}, {}, {}};
    subject.parameters = each_once<T>(subject.layer.parameters());
    for (const auto& entry : subject.parameters)
        subject.parameter_names.push_back(parameter_name(entry.path));
    if constexpr (HasClosedForm<C>)
        subject.closed_form = [&cell](const CellSequence<T>& run) { return closed_form_bptt(cell, run); };
    return subject;
}

}  // namespace tapeloop::nn::detail
