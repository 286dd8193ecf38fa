#include <fmt/format.h>
#include <nn/check/cell/cell_gradients.hpp>
#include <nn/check/packed_gates.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

bool is_among(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(const Finding& finding) {
    std::string text = fmt::format("{}: {}", name_of(finding.diagnosis), finding.text);
    if (finding.rule.has_value())
        text += fmt::format(" (the rule of {} for its argument {})", finding.rule->operation,
                            finding.rule->argument);
    return text;
}

/// The mistakes of an order that concern one of the inputs, or all; inputs with the same in one.
std::string mistakes(const GradientReport& report, const std::vector<std::string>& names, int order) {
    std::vector<std::pair<std::string, std::string>> found;  // inputs, and what is wrong with them
    for (const Finding& finding : report.findings) {
        if (!is_mistake(finding.diagnosis) || finding.order != order ||
            (order == 1 && !finding.input.empty() && !is_among(names, finding.input)))
            continue;
        const std::string text = text_of(finding);
        const auto same =
            std::find_if(found.begin(), found.end(), [&text](const auto& one) { return one.second == text; });
        if (same != found.end())
            same->first += ", " + finding.input;
        else
            found.emplace_back(finding.input, text);
    }
    std::string all;
    for (const auto& [inputs, text] : found)
        all += (all.empty() ? "" : "; ") + (inputs.empty() ? "" : inputs + ": ") + text;
    return all;
}

std::string counts(const GradientReport& report, const std::vector<std::string>& names, int order) {
    std::size_t compared = 0;
    std::size_t directions = 0;
    std::size_t undecided = 0;
    std::string without;
    for (const CheckedInput& input : report.inputs) {
        if (input.order != order || (order == 1 && !is_among(names, input.name))) continue;
        compared += input.compared;
        directions += input.directions;
        undecided += input.undecided;
        if (input.largest == 0 && input.shape.size() != 0 && order == 1)
            without += (without.empty() ? "" : ", ") + input.name;
    }
    std::string text;
    if (compared != 0 || directions == 0) text = fmt::format("{} elements", compared - undecided);
    if (directions != 0)
        text += fmt::format("{}{} random directions", text.empty() ? "" : " and ", directions);
    text += " agree with differences";
    if (undecided != 0) text += fmt::format("; {} undecided", undecided);
    if (!without.empty()) text += fmt::format("; no influence: {}", without);
    return text;
}

}  // namespace

template <class T>
CellGradients<T>::CellGradients(const CellRuns<T>& runs, const Batch<T>& batch, const CheckOptions& options)
    : cell_(runs.cell),
      options_(options),
      inputs_{CheckInput<T>("x", batch.x, {{"time", "batch", "feature"}, {}})} {
    for (std::size_t k = 0; k < batch.state.size(); ++k) {
        InputInfo info;
        if (batch.state[k].dimension() == 2 && runs.is_batched[k]) info.axes = {"batch", "unit"};
        inputs_.add({runs.state_names[k], batch.state[k], info});
    }
    std::vector<Shape> state;
    for (const Tensor<T>& part : batch.state) state.push_back(shape_of(part));
    for (std::size_t k = 0; k < cell_.parameters.size(); ++k) {
        Parameter<T>& parameter = *cell_.parameters[k].parameter;
        inputs_.add(
            {cell_.parameter_names[k], parameter, {{}, packed_gates(parameter.shape(), cell_.gates, state)}});
    }
    if (options_.result.axes.empty()) options_.result.axes = {"time", "batch", "unit"};
}

template <class T>
GradientReport CellGradients<T>::check(int order) const {
    const CheckFunction<T> f = [this](const std::vector<Var<T>>& given) {
        const std::vector<Var<T>> state(given.begin() + 1, given.end());
        const auto unrolled = unroll(cell_.layer, given.front(), state);
        std::vector<Var<T>> results{unrolled.outputs};
        results.insert(results.end(), unrolled.state.begin(), unrolled.state.end());
        // The initial state may depend on parameters, too.
        for (const Var<T>& part : cell_.layer.initial_state(given.front().shape()[1]))
            results.push_back(part);
        return results;
    };
    CheckOptions options = options_;
    options.order = order;
    return check_function(f, inputs_, options);
}

template <class T>
const GradientReport& CellGradients<T>::checked() {
    if (report_.has_value()) return *report_;
    try {
        report_ = check(options_.order);
    } catch (...) {
        // The second order may throw where the first is right.
        thrown_ = std::current_exception();
        report_ = check(1);
    }
    return *report_;
}

template <class T>
Found CellGradients<T>::of(const std::vector<std::string>& names) {
    if (names.empty()) return {CellVerdict::not_applicable, "there are none"};
    const std::string wrong = mistakes(checked(), names, 1);
    if (!wrong.empty()) return {CellVerdict::failed, wrong};
    return {CellVerdict::passed, counts(checked(), names, 1)};
}

template <class T>
Found CellGradients<T>::second_order() {
    const std::vector<Finding>& findings = checked().findings;
    if (std::any_of(findings.begin(), findings.end(),
                    [](const Finding& one) { return one.order == 1 && is_mistake(one.diagnosis); }))
        return {CellVerdict::not_applicable, "not tried: the gradients of the first order are wrong"};
    if (thrown_) std::rethrow_exception(thrown_);
    const std::string wrong = mistakes(checked(), {}, 2);
    if (!wrong.empty()) return {CellVerdict::failed, wrong};
    return {CellVerdict::passed, counts(checked(), {}, 2)};
}

template <class T>
std::string wrong_along_directions(const CellRuns<T>& runs, const Batch<T>& batch, CheckOptions options) {
    options.order = 1;
    options.mode = CheckMode::directions;
    options.directions = 2;
    CellGradients<T> gradients(runs, batch, options);
    std::vector<std::string> names{"x"};
    names.insert(names.end(), runs.state_names.begin(), runs.state_names.end());
    names.insert(names.end(), runs.parameter_names.begin(), runs.parameter_names.end());
    const Found found = gradients.of(names);
    return found.verdict == CellVerdict::failed ? found.text : "";
}

template class CellGradients<float>;
template class CellGradients<double>;
template std::string wrong_along_directions(const CellRuns<float>&, const Batch<float>&, CheckOptions);
template std::string wrong_along_directions(const CellRuns<double>&, const Batch<double>&, CheckOptions);

}  // namespace tapeloop::nn::detail
