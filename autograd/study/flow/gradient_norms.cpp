#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <autograd/study/flow/parameter_uses.hpp>
#include <autograd/study/graph/table.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
void require_states(const States<T>& states) {
    for (std::size_t t = 0; t < states.size(); ++t)
        if (states[t].size() != states.front().size())
            throw std::invalid_argument(fmt::format(
                "gradient_norms: the state at {} has {} parts and the first one {}; all must have the same",
                t, states[t].size(), states.front().size()));
}

template <class T>
NormSeries series_of(const GradientRoot<T>& J, const std::string& path, const Parameter<T>& parameter,
                     const ParameterUses<T>& uses) {
    NormSeries series{path, {}, {}, 0};
    const auto summands = uses.summands({J});
    for (std::size_t k = 0; k < summands.size(); ++k) {
        series.labels.push_back(uses.list()[k].label());
        series.norms.push_back(summands[k].has_value() ? detail::norm_of(*summands[k]) : 0);
    }
    series.whole = detail::norm_of(gradient(std::vector{J}, {parameter}).at(0));
    return series;
}

template <class T>
std::vector<NormSeries> series_of_states(const GradientRoot<T>& J, const States<T>& states) {
    if (states.empty()) return {};
    std::vector<Wrt<T>> wrt;
    for (const auto& state : states) wrt.insert(wrt.end(), state.begin(), state.end());
    const Gradients<T> cotangents = gradient(std::vector{J}, WrtList<T>(wrt));
    std::vector<NormSeries> all(states.front().size());
    for (std::size_t t = 0; t < states.size(); ++t)
        for (std::size_t part = 0; part < all.size(); ++part) {
            const Var<T>& var = states[t][part];
            const auto step = var.tape().time_step(var.index());
            all[part].labels.push_back(step.has_value() ? fmt::format("t={}", *step) : "initial");
            all[part].norms.push_back(detail::norm_of(cotangents.at(t * all.size() + part)));
            const std::string name = var.tape().name(var.index());
            all[part].name = name.empty() ? fmt::format("state {}", part) : name;
        }
    return all;
}

template <class T>
GradientNorms norms_of(const Var<T>& J, const ParameterList<T>& parameters, const States<T>& states) {
    if (J.shape().size() != 1)
        throw std::invalid_argument(
            fmt::format("gradient_norms: J is {}; it must have one element", J.shape().text()));
    require_states(states);
    GradientRoot<T> root{J, uninitialised<T>(J.shape())};
    root.cotangent.fill(T(1));
    GradientNorms result;
    for (const auto& entry : parameters) {
        const ParameterUses<T> uses(J.tape(), *entry.parameter);
        if (!uses.list().empty())
            result.parameters.push_back(series_of(root, entry.path, *entry.parameter, uses));
    }
    result.states = series_of_states(root, states);
    return result;
}

void add_csv(std::string& text, std::string_view kind, const NormSeries& series) {
    for (std::size_t i = 0; i < series.norms.size(); ++i)
        text += fmt::format("{},{},{},{}\n", kind, detail::csv_field(series.name),
                            detail::csv_field(series.labels[i]), series.norms[i]);
}

/// The first, the middle and the last value, and the largest.
std::string row_text(const NormSeries& series) {
    const std::vector<double>& norms = series.norms;
    const double largest = norms.empty() ? 0 : *std::max_element(norms.begin(), norms.end());
    const auto at = [&](std::size_t i) { return norms.empty() ? 0 : norms[i]; };
    return fmt::format("  {:<24}{:>6}{:>11.2e}{:>11.2e}{:>11.2e}{:>11.2e}\n", series.name, norms.size(),
                       at(0), at(norms.size() / 2), at(norms.empty() ? 0 : norms.size() - 1), largest);
}

}  // namespace

std::string GradientNorms::text() const {
    std::string text = fmt::format("  {:<24}{:>6}{:>11}{:>11}{:>11}{:>11}\n", "norm of the contribution",
                                   "uses", "first", "middle", "last", "largest");
    for (const NormSeries& series : parameters) text += row_text(series);
    if (states.empty()) return text;
    text += fmt::format("  {:<24}{:>6}{:>11}{:>11}{:>11}{:>11}\n", "norm of the cotangent", "steps", "first",
                        "middle", "last", "largest");
    for (const NormSeries& series : states) text += row_text(series);
    return text;
}

std::string GradientNorms::csv() const {
    std::string text = "kind,name,time,norm\n";
    for (const NormSeries& series : parameters) add_csv(text, "parameter", series);
    for (const NormSeries& series : states) add_csv(text, "state", series);
    return text;
}

GradientNorms gradient_norms(const Var<float>& J, const ParameterList<float>& parameters,
                             const States<float>& states) {
    return norms_of(J, parameters, states);
}
GradientNorms gradient_norms(const Var<double>& J, const ParameterList<double>& parameters,
                             const States<double>& states) {
    return norms_of(J, parameters, states);
}

}  // namespace tapeloop
