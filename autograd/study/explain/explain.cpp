#include <fmt/format.h>
#include <autograd/study/explain/closed_ways.hpp>
#include <autograd/study/explain/lost_cotangents.hpp>
#include <autograd/study/explain/size_culprits.hpp>
#include <autograd/wrt.hpp>

#include <cmath>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

using detail::Cotangents;
using detail::Hop;

template <class T>
std::vector<PathStep> described(Tape<T>& tape, const std::vector<Hop>& hops,
                                const Cotangents<T>& cotangents) {
    detail::HopSymptoms<T> symptoms(tape, cotangents);
    std::vector<PathStep> path;
    for (const Hop& hop : hops) {
        auto [cause, finding] = symptoms.of(hop);
        path.push_back({hop.node, hop.input, std::string(tape.node(hop.node).operation->name()),
                        tape.time_step(hop.node), tape.describe(hop.node), hop.in, hop.out, hop.sum, cause,
                        std::move(finding), tape.node(hop.node).operation->description().kind});
    }
    return path;
}

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

template <class T>
std::string name_of(const Tape<T>& tape, const Wrt<T>& of, std::optional<NodeIndex> index) {
    if (of.parameter() != nullptr) return fmt::format("parameter '{}'", of.parameter()->name);
    return tape.describe(*index);
}

template <class T>
Explanation explained(const Var<T>& J, const Wrt<T>& of, const ExplainOptions& options) {
    Tape<T>& tape = J.tape();
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("explain: J is {}; it must have one element", J.shape().text()));
    const std::optional<NodeIndex> index = detail::find_node(tape, of, "explain");
    tape.require_unchanged_parameters();
    Explanation explanation;
    explanation.of = name_of(tape, of, index);
    explanation.shown_steps = options.shown_steps;
    if (!index.has_value() || *index > J.index() || !detail::dependents(tape, *index)[J.index()]) {
        explanation.size = GradientSize::zero;
        explanation.culprits = detail::why_no_path(tape, J.index(), index);
        return explanation;
    }
    const Cotangents<T> cotangents(J);
    explanation.path = described(tape, detail::largest_path(tape, J.index(), *index, cotangents), cotangents);
    explanation.gradient = cotangents.rms(*index);
    explanation.relative = explanation.gradient / behind_averages(tape, explanation.path);
    explanation.size = size_of(explanation, options);
    if (explanation.size == GradientSize::not_finite)
        explanation.culprits = detail::why_not_finite(tape, J.index(), explanation.path);
    if (explanation.culprits.empty())
        explanation.culprits = detail::culprits_of_size(explanation.path, explanation.size);
    explanation.decades = detail::decades_along(explanation.path);
    for (Culprit& closed : detail::closed_ways(tape, explanation.path, cotangents))
        explanation.culprits.push_back(std::move(closed));
    return explanation;
}

}  // namespace

Explanation explain(const Var<float>& J, const Wrt<float>& of, const ExplainOptions& options) {
    return explained(J, of, options);
}
Explanation explain(const Var<double>& J, const Wrt<double>& of, const ExplainOptions& options) {
    return explained(J, of, options);
}

}  // namespace tapeloop
