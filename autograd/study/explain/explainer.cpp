#include <fmt/format.h>
#include <autograd/study/explain/explainer.hpp>
#include <autograd/study/explain/lost_cotangents.hpp>
#include <autograd/study/explain/size_culprits.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

/// Returns whether a step only multiplies by a number, as the weight of a loss does.
template <class T>
bool is_constant_factor(const Tape<T>& tape, const PathStep& step) {
    if (step.kind != OperationKind::factor && step.kind != OperationKind::quotient) return false;
    for (NodeIndex input : tape.inputs(step.node))
        if (input != step.input && tape.inputs(input).empty() && tape.parameter(input) == nullptr)
            return true;
    return false;
}

/// The cotangent that averages and constant factors leave of J's own.
template <class T>
double behind_averages(const Tape<T>& tape, const std::vector<PathStep>& path) {
    double factor = 1;
    for (const PathStep& step : path) {
        if (step.cause != Cause::averaging && !is_constant_factor(tape, step)) break;
        if (step.out > 0) factor *= step.factor();
    }
    return factor;
}

GradientSize size_of(const Explanation& explanation, const ExplainOptions& options) {
    if (!std::isfinite(explanation.gradient)) return GradientSize::not_finite;
    if (explanation.gradient == 0) return GradientSize::zero;
    if (std::max(explanation.gradient, explanation.relative) < options.vanishing_below)
        return GradientSize::vanishing;
    if (std::min(explanation.gradient, explanation.relative) > options.huge_above) return GradientSize::huge;
    return GradientSize::usual;
}

}  // namespace

template <class T>
ExplainedSweep<T>::ExplainedSweep(const Var<T>& J, const ExplainOptions& options)
    : tape_(J.tape()),
      J_(J.index()),
      options_(options),
      cotangents_(J),
      symptoms_(tape_, cotangents_),
      closed_ways_(find_closed_ways(tape_, J_, cotangents_)) {}

template <class T>
const PathStep& ExplainedSweep<T>::described(const Hop& hop) {
    const auto known = steps_.find({hop.node, hop.input});
    if (known != steps_.end()) return known->second;
    auto [cause, finding] = symptoms_.of(hop);
    const Operation<T>& operation = *tape_.node(hop.node).operation;
    PathStep step{hop.node,
                  hop.input,
                  std::string(operation.name()),
                  tape_.time_step(hop.node),
                  tape_.describe(hop.node),
                  hop.in,
                  hop.out,
                  hop.sum,
                  cause,
                  std::move(finding),
                  operation.description().kind};
    return steps_.emplace(std::pair(hop.node, hop.input), std::move(step)).first->second;
}

template <class T>
std::vector<Culprit> ExplainedSweep<T>::why_not_finite(const std::vector<PathStep>& path) {
    if (!value_not_finite_.has_value()) value_not_finite_ = first_value_not_finite(tape_, J_);
    std::optional<Culprit> found = *value_not_finite_;
    if (!found.has_value()) found = first_cotangent_not_finite(path);
    return found.has_value() ? std::vector<Culprit>{std::move(*found)} : std::vector<Culprit>();
}

template <class T>
Explanation ExplainedSweep<T>::explained(NodeIndex of, std::string name, const std::vector<Hop>& path) {
    Explanation explanation;
    explanation.of = std::move(name);
    explanation.shown_steps = options_.shown_steps;
    for (const Hop& hop : path) explanation.path.push_back(described(hop));
    explanation.gradient = cotangents_.rms(of);
    explanation.relative = explanation.gradient / behind_averages(tape_, explanation.path);
    explanation.size = size_of(explanation, options_);
    if (explanation.size == GradientSize::not_finite) explanation.culprits = why_not_finite(explanation.path);
    if (explanation.culprits.empty())
        explanation.culprits = culprits_of_size(explanation.path, explanation.size);
    explanation.decades = decades_along(explanation.path);
    for (Culprit& closed : closed_ways(tape_, explanation.path, closed_ways_))
        explanation.culprits.push_back(std::move(closed));
    return explanation;
}

template <class T>
Explanation explained_without_path(const Tape<T>& tape, NodeIndex J, std::optional<NodeIndex> of,
                                   std::string name, const ExplainOptions& options) {
    Explanation explanation;
    explanation.of = std::move(name);
    explanation.shown_steps = options.shown_steps;
    explanation.size = GradientSize::zero;
    explanation.culprits = why_no_path(tape, J, of);
    return explanation;
}

template <class T>
Explainer<T>::Explainer(const Var<T>& J, const ExplainOptions& options)
    : tape_(J.tape()),
      J_(J.index()),
      options_(options),
      sweep_(J, options),
      paths_(tape_, J_, sweep_.cotangents()) {}

template <class T>
Explanation Explainer<T>::of(NodeIndex node) {
    const auto parameter = tape_.parameter(node);
    std::string name =
        parameter != nullptr ? fmt::format("parameter '{}'", parameter->name) : tape_.describe(node);
    if (!paths_.reaches(node)) return explained_without_path(tape_, J_, node, std::move(name), options_);
    return sweep_.explained(node, std::move(name), paths_.to(node));
}

template class ExplainedSweep<float>;
template class ExplainedSweep<double>;
template class Explainer<float>;
template class Explainer<double>;
template Explanation explained_without_path(const Tape<float>&, NodeIndex, std::optional<NodeIndex>,
                                            std::string, const ExplainOptions&);
template Explanation explained_without_path(const Tape<double>&, NodeIndex, std::optional<NodeIndex>,
                                            std::string, const ExplainOptions&);

}  // namespace tapeloop::detail
