#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/bptt/step_checks.hpp>
#include <nn/check/input_names.hpp>
#include <nn/check/packed_gates.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn::detail {
namespace {

// Terms that are smaller than this part of what they are made of need not have as many digits.
constexpr double noticed = 1e-3;

template <class T>
double largest_of(const Tensor<T>& first, const std::vector<Tensor<T>>& more) {
    double largest = nn::detail::largest_of(as_double(first));
    for (const Tensor<T>& one : more) largest = std::max(largest, nn::detail::largest_of(as_double(one)));
    return largest;
}

}  // namespace

std::vector<double> in_one_list(const Summands& summands) {
    std::vector<double> list = summands.parameters;
    list.push_back(summands.x);
    list.insert(list.end(), summands.state.begin(), summands.state.end());
    return list;
}

template <class T>
TermNames term_names(const CellUnderCheck<T>& cell, const std::vector<Tensor<T>>& state) {
    std::vector<Shape> shapes;
    for (const Tensor<T>& part : state) shapes.push_back(shape_of(part));
    TermNames names;
    names.parameters = cell.parameters.size();
    names.names = cell.parameter_names;
    for (const auto& entry : cell.parameters) {
        names.gates.push_back(packed_gates(entry.parameter->shape(), cell.gates, shapes));
    }
    names.names.emplace_back("x");
    for (std::string& name : state_names(state.size())) names.names.push_back(std::move(name));
    names.gates.resize(names.names.size());
    return names;
}

template <class T>
void raise_summands(Summands& summands, const TapeRun<T>& tape, std::size_t t) {
    const StepPoint<T>& point = tape.points[t];
    const StepResults<T>& cotangents = tape.cotangents[t];
    const double size = std::max(1.0, largest_of(point.x, point.state));
    const double least = noticed * size * largest_of(cotangents.output, cotangents.state);
    summands.parameters.resize(tape.total.parameters.size());
    summands.state.resize(point.state.size());
    for (double& one : summands.parameters) one = std::max(one, least);
    for (double& one : summands.state) one = std::max(one, least);
    summands.x = std::max(summands.x, least);
}

template <class T, class Other>
std::vector<Deviation> deviations(const TermNames& names, const StepTerms<T>& tape,
                                  const StepTerms<Other>& other, const Summands& summands) {
    const auto of_tape = listed(tape);
    const auto of_other = listed(other);
    if (of_tape.size() != of_other.size())
        throw std::invalid_argument(fmt::format(
            "verify_bptt: the closed form gives {} parameters and {} parts of a state; the cell "
            "has {} and {}",
            other.parameters.size(), other.state.size(), tape.parameters.size(), tape.state.size()));
    std::vector<double> scales = in_one_list(summands);
    scales.resize(of_tape.size());
    std::vector<Deviation> list;
    for (std::size_t k = 0; k < of_tape.size(); ++k)
        list.push_back(
            largest_deviation(names.names[k], as_double(*of_tape[k]), as_double(*of_other[k]), scales[k]));
    return list;
}

template <class T>
StepTerms<T> closed_form_of_step(const CellUnderCheck<T>& cell, const TapeRun<T>& tape, std::size_t t) {
    const auto as_sequence = [](Tensor<T> step) {
        std::vector<std::size_t> shape{1};
        shape.insert(shape.end(), step.shape().begin(), step.shape().end());
        step.reshape(shape);
        return step;
    };
    const std::vector<StepTerms<T>> terms =
        cell.closed_form({as_sequence(tape.points[t].x), tape.points[t].state,
                          as_sequence(tape.cotangents[t].output), tape.cotangents[t].state});
    if (terms.size() != 1)
        throw std::invalid_argument(fmt::format(
            "verify_bptt: the closed form gives {} time steps for a sequence of one", terms.size()));
    return terms.front();
}

template <class T>
CheckFunction<T> function_of_step(const CellUnderCheck<T>& cell) {
    return [&cell](const std::vector<Var<T>>& arguments) {
        const auto [output, state] =
            first_step(cell, arguments[0], Parts<T>(arguments.begin() + 1, arguments.end()));
        std::vector<Var<T>> results{output};
        results.insert(results.end(), state.begin(), state.end());
        return results;
    };
}

template <class T>
CheckInputs<T> inputs_of(const CellUnderCheck<T>& cell, const TermNames& names, const Tensor<T>& x,
                         const std::vector<Tensor<T>>& state) {
    std::vector<CheckInput<T>> inputs;
    for (std::size_t k = 0; k < names.parameters; ++k)
        inputs.emplace_back(names.names[k], *cell.parameters[k].parameter, InputInfo{{}, names.gates[k]});
    inputs.emplace_back("x", x,
                        x.dimension() == 3 ? InputInfo{{"time", "batch", "feature"}, {}} : InputInfo());
    for (std::size_t part = 0; part < state.size(); ++part)
        inputs.emplace_back(names.names[names.parameters + 1 + part], state[part]);
    return inputs;
}

bool hands_back_right(const StepCheck& step, const TermNames& names, double limit) {
    for (std::size_t k = names.parameters + 1; k < step.deviations.size(); ++k)
        if (!(step.deviations[k].relative <= limit)) return false;
    return true;
}

void settle_verdicts(BpttWay& way, const TermNames& names) {
    bool is_reached_by_wrong = false;
    for (std::size_t t = way.time_steps.size(); t-- > 0;) {
        StepCheck& step = way.time_steps[t];
        const bool is_right = std::all_of(step.deviations.begin(), step.deviations.end(),
                                          [&](const auto& one) { return one.relative <= way.limit; });
        step.verdict = !is_right             ? StepVerdict::wrong
                       : is_reached_by_wrong ? StepVerdict::inherits
                                             : StepVerdict::right;
        is_reached_by_wrong = is_reached_by_wrong || !hands_back_right(step, names, way.limit);
    }
}

#define TAPELOOP_STEP_CHECKS(T)                                                                     \
    template TermNames term_names(const CellUnderCheck<T>&, const std::vector<Tensor<T>>&);         \
    template void raise_summands(Summands&, const TapeRun<T>&, std::size_t);                        \
    template std::vector<Deviation> deviations(const TermNames&, const StepTerms<T>&,               \
                                               const StepTerms<double>&, const Summands&);          \
    template CheckFunction<T> function_of_step(const CellUnderCheck<T>&);                           \
    template CheckInputs<T> inputs_of(const CellUnderCheck<T>&, const TermNames&, const Tensor<T>&, \
                                      const std::vector<Tensor<T>>&);                               \
    template StepTerms<T> closed_form_of_step(const CellUnderCheck<T>&, const TapeRun<T>&, std::size_t);

TAPELOOP_STEP_CHECKS(float)
TAPELOOP_STEP_CHECKS(double)
template std::vector<Deviation> deviations(const TermNames&, const StepTerms<float>&, const StepTerms<float>&,
                                           const Summands&);

#undef TAPELOOP_STEP_CHECKS

}  // namespace tapeloop::nn::detail
