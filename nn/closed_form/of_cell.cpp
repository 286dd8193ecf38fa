#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/closed_form/elman_network.hpp>
#include <nn/closed_form/gru.hpp>
#include <nn/closed_form/loops.hpp>
#include <nn/closed_form/lstm.hpp>
#include <nn/closed_form/of_cell.hpp>

#include <utility>

namespace tapeloop::nn {

namespace {

template <class T>
void require_parts(const CellSequence<T>& run, std::size_t parts) {
    if (run.initial_state.size() != parts || run.final_state.size() != parts)
        throw std::invalid_argument(fmt::format(
            "closed_form_bptt: initial_state has {} parts and final_state {}; this cell's state has {}",
            run.initial_state.size(), run.final_state.size(), parts));
}

/// Returns what time step t hands back, to the one before it or to the initial state.
template <class State>
const State& handed_back(std::size_t t, const std::vector<State>& from_later, const State& initial_state) {
    return t == 0 ? initial_state : from_later[t - 1];
}

}  // namespace

template <class T, std::same_as<ElmanCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run) {
    require_parts(run, 1);
    const auto bptt =
        closed_form::elman_cell_bptt<T>({cell.U.value(), cell.W.value(), cell.b.value(), cell.activation},
                                        run.x, run.initial_state[0], run.outputs, run.final_state[0]);
    std::vector<StepTerms<T>> steps;
    for (std::size_t t = 0; t < bptt.terms.size(); ++t) {
        const auto& [U, W, b] = bptt.terms[t];
        steps.push_back({{U, W, b},
                         closed_form::time_step_of(bptt.x, t),
                         {handed_back(t, bptt.from_later, bptt.initial_state)}});
    }
    return steps;
}

template <class T, std::same_as<ElmanNetwork<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& network, const CellSequence<T>& run) {
    require_parts(run, 1);
    const auto& [cell, output] = network;
    const auto bptt = closed_form::elman_network_bptt<T>(
        {cell.U.value(), cell.W.value(), cell.b.value(), output.V.value(), output.c.value(), cell.activation},
        run.x, run.initial_state[0], run.outputs, run.final_state[0]);
    std::vector<StepTerms<T>> steps;
    for (std::size_t t = 0; t < bptt.terms.size(); ++t) {
        const auto& [U, W, b, V, c] = bptt.terms[t];
        steps.push_back({{U, W, b, V, c},
                         closed_form::time_step_of(bptt.x, t),
                         {handed_back(t, bptt.from_later, bptt.initial_state)}});
    }
    return steps;
}

template <class T, std::same_as<LstmCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run) {
    require_parts(run, 2);
    const auto bptt = closed_form::lstm_bptt<T>({cell.U.value(), cell.W.value(), cell.b.value()}, run.x,
                                                {run.initial_state[0], run.initial_state[1]}, run.outputs,
                                                {run.final_state[0], run.final_state[1]});
    std::vector<StepTerms<T>> steps;
    for (std::size_t t = 0; t < bptt.terms.size(); ++t) {
        const auto& [U, W, b] = bptt.terms[t];
        const auto& [h, c] = handed_back(t, bptt.from_later, bptt.initial_state);
        steps.push_back({{U, W, b}, closed_form::time_step_of(bptt.x, t), {h, c}});
    }
    return steps;
}

template <class T, std::same_as<GruCell<T>> Cell>
std::vector<StepTerms<T>> closed_form_bptt(const Cell& cell, const CellSequence<T>& run) {
    require_parts(run, 1);
    const auto bptt = closed_form::gru_bptt<T>(
        {cell.U.value(), cell.W.value(), cell.b.value(), cell.b_recurrent.value(), cell.options}, run.x,
        run.initial_state[0], run.outputs, run.final_state[0]);
    std::vector<StepTerms<T>> steps;
    for (std::size_t t = 0; t < bptt.terms.size(); ++t) {
        const auto& [U, W, b, b_recurrent] = bptt.terms[t];
        steps.push_back({{U, W, b, b_recurrent},
                         closed_form::time_step_of(bptt.x, t),
                         {handed_back(t, bptt.from_later, bptt.initial_state)}});
    }
    return steps;
}

#define TAPELOOP_CLOSED_FORMS(T)                                                                         \
    template std::vector<StepTerms<T>> closed_form_bptt(const ElmanCell<T>&, const CellSequence<T>&);    \
    template std::vector<StepTerms<T>> closed_form_bptt(const ElmanNetwork<T>&, const CellSequence<T>&); \
    template std::vector<StepTerms<T>> closed_form_bptt(const LstmCell<T>&, const CellSequence<T>&);     \
    template std::vector<StepTerms<T>> closed_form_bptt(const GruCell<T>&, const CellSequence<T>&);

TAPELOOP_CLOSED_FORMS(float)
TAPELOOP_CLOSED_FORMS(double)

#undef TAPELOOP_CLOSED_FORMS

}  // namespace tapeloop::nn
