#include <fmt/format.h>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/options.hpp>
#include <autograd/gradient.hpp>
#include <autograd/kernels/as_double.hpp>
#include <autograd/kernels/norm.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/graph/table.hpp>
#include <nn/check/input_names.hpp>
#include <nn/check/starting_state.hpp>
#include <nn/study/truncation_report.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;

namespace detail {

namespace {

using tapeloop::detail::as_double;
using tapeloop::detail::norm_of;
using Gradient = std::vector<Tensor<double>>;  // by parameter

/// <cotangent, outputs> for a random cotangent, over the batch size.
template <class T>
Var<T> random_loss(const Var<T>& outputs) {
    tapeloop::detail::CheckRandom random(tapeloop::detail::seed_of({}));
    Tensor<T> weights = uninitialised<T>(outputs.shape());
    for (T& weight : weights) weight = static_cast<T>(random.weight());
    return sum(outputs * weights) / static_cast<T>(outputs.shape()[1]);
}

template <class T>
void require_arguments(AnyLayer<T>& cell, const Tensor<T>& x, const std::vector<std::size_t>& k) {
    if (x.dimension() != 3 || x.size() == 0)
        throw std::invalid_argument(
            fmt::format("truncation_report: x is {}; it must be [T, B, I] with at least one element",
                        shape_of(x).text()));
    if (k.empty() || std::find(k.begin(), k.end(), 0) != k.end())
        throw std::invalid_argument(
            fmt::format("truncation_report: k is {{{}}}; give at least one number of time steps, from 1",
                        fmt::join(k, ", ")));
    if (cell.parameters().size() == 0)
        throw std::invalid_argument(
            "truncation_report: the cell lists no parameters; there is nothing to compare");
}

/// An initial state whose source is still to come, as that of a cell with attention.
template <class T>
std::vector<std::string> warnings_of(AnyLayer<T>& cell, std::size_t batch) {
    const Tape<T> tape;
    const std::vector<Shape> shapes = shapes_of(cell.initial_state(batch));
    const std::vector<std::string> names = state_names(shapes.size());
    std::vector<std::string> warnings;
    for (std::size_t part = 0; part < shapes.size(); ++part)
        if (is_open(shapes[part]))
            warnings.push_back(
                fmt::format("{} is {} at the start, so what reads it, such as attention, reads nothing",
                            names[part], shapes[part].text()));
    return warnings;
}

/// A sequence on a tape on which no time step reaches another: each starts from a copy of the state before.
/// What would flow between them is handed on by hand, sweep by sweep.
template <class T>
class SeparateSteps {
  public:
    /// The parts' cotangents of a state at each time step.
    using StateCotangents = std::vector<std::vector<Tensor<T>>>;
    struct Swept {
        Gradient gradient;         ///< what arrives at the parameters
        StateCotangents arriving;  ///< and at the states that the steps start from
    };

    SeparateSteps(AnyLayer<T>& cell, const Tensor<T>& x, const LossOfOutputs<T>& loss)
        : parameters_(cell.parameters()) {
        std::vector<Var<T>> outputs;
        std::vector<Var<T>> state = cell.initial_state(x.shape(1));
        for (const Var<T>& step_input : unstack(x)) {
            const LabelScope<T> label(outputs.size());
            // The initial state belongs to the first step, be it made of parameters.
            before_.push_back(outputs.empty() ? state : resume(carry(state)));
            auto [output, next] = cell.step(step_input, before_.back());
            outputs.push_back(output);
            after_.push_back(next);
            state = std::move(next);
        }
        const Var<T> all = stack(outputs);
        J_ = loss ? loss(all) : random_loss(all);
        if (J_.shape().size() != 1)
            throw std::invalid_argument(fmt::format(
                "truncation_report: the loss is {}; it must have one element", J_.shape().text()));
    }

    std::size_t size() const { return before_.size(); }
    double loss() const { return static_cast<double>(J_.item()); }

    /// Sweeps what the losses owe to their own time steps.
    Swept sweep_losses() const { return swept(gradient(J_, asked())); }

    /// One step further back: what arrives at a step's state leaves the step before, unless t `is_cut` off
    /// from it.
    Swept sweep_back(const StateCotangents& arriving, const std::function<bool(std::size_t)>& is_cut) const {
        std::vector<GradientRoot<T>> roots;
        for (std::size_t t = 1; t < size(); ++t)
            for (std::size_t part = 0; part < arriving[t].size() && !is_cut(t); ++part)
                roots.push_back({after_[t - 1][part], arriving[t][part]});
        if (roots.empty()) roots.push_back({J_, zeros<T>(J_.shape())});
        return swept(gradient(roots, asked()));
    }

  private:
    WrtList<T> asked() const {
        WrtList<T> wrt(parameters_);
        for (const auto& state : before_)
            for (const Var<T>& part : state) wrt.add(part);
        return wrt;
    }
    Swept swept(const Gradients<T>& gradients) const {
        Swept result;
        std::size_t next = 0;
        for (; next < parameters_.size(); ++next) result.gradient.push_back(as_double(gradients.at(next)));
        for (const auto& state : before_) {
            result.arriving.emplace_back();
            for (std::size_t part = 0; part < state.size(); ++part)
                result.arriving.back().push_back(gradients.at(next++));
        }
        return result;
    }

    Tape<T> tape_;
    ParameterList<T> parameters_;
    std::vector<std::vector<Var<T>>> before_;
    std::vector<std::vector<Var<T>>> after_;
    Var<T> J_;
};

/// Calls `use` with what the losses owe to uses d steps back, unless `is_cut`, for d = 0, ..., count - 1.
template <class T>
void for_distances(const SeparateSteps<T>& steps, std::size_t count,
                   const std::function<bool(std::size_t)>& is_cut,
                   const std::function<void(const Gradient&)>& use) {
    auto swept = steps.sweep_losses();
    use(swept.gradient);
    for (std::size_t d = 1; d < count; ++d) {
        swept = steps.sweep_back(swept.arriving, is_cut);
        use(swept.gradient);
    }
}

void add_to(Gradient& sum, const Gradient& more) {
    if (sum.empty())
        sum = more;
    else
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += more[k];
}

double norm_of_all(const std::vector<double>& norms) {
    return norm_of(as_double(norms.data(), Shape({norms.size()})));
}

/// Returns the norms by parameter, and then of all.
std::vector<double> norms_of(const Gradient& gradient) {
    std::vector<double> norms;
    for (const Tensor<double>& one : gradient) norms.push_back(norm_of(one));
    norms.push_back(norm_of_all(norms));
    return norms;
}

/// The inner product over the norms: of the directions, so that tiny gradients do not vanish in it.
double inner(const Tensor<double>& a, double norm_of_a, const Tensor<double>& b, double norm_of_b) {
    if (norm_of_a == 0 || norm_of_b == 0) return 0;
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                              [&](double x, double y) { return (x / norm_of_a) * (y / norm_of_b); });
}

TruncatedGradient compared(std::string parameter, std::size_t k, double norm, double cosine, double ratio) {
    return {std::move(parameter), k, norm, std::clamp(cosine, -1.0, 1.0), ratio, {}};
}

void add_entries(TruncationReport& report, const Gradient& truncated, std::size_t k) {
    const std::vector<double> norms = norms_of(truncated);
    const std::vector<double> full_norms = norms_of(report.full);
    double cosine_of_all = 0;
    bool all_same = true;
    for (std::size_t p = 0; p < truncated.size(); ++p) {
        const Tensor<double>& full = report.full[p];
        cosine_of_all += inner(truncated[p], norms.back(), full, full_norms.back());
        const bool is_same = truncated[p] == full;
        all_same = all_same && is_same;
        report.entries.push_back(is_same ? compared(report.parameters[p], k, norms[p], 1, 1)
                                         : compared(report.parameters[p], k, norms[p],
                                                    inner(truncated[p], norms[p], full, full_norms[p]),
                                                    norms[p] / full_norms[p]));
        report.entries.back().gradient = truncated[p];
    }
    report.entries.push_back(
        all_same ? compared("all", k, norms.back(), 1, 1)
                 : compared("all", k, norms.back(), cosine_of_all, norms.back() / full_norms.back()));
}

template <class T>
TruncationReport report_on(AnyLayer<T>& cell, const Tensor<T>& x, const LossOfOutputs<T>& loss,
                           const std::vector<std::size_t>& ks, const TruncationOptions& options) {
    require_arguments(cell, x, ks);
    const SeparateSteps<T> steps(cell, x, loss);
    TruncationReport report;
    report.truncation = options.truncation;
    report.time_steps = x.shape(0);
    report.batch = x.shape(1);
    report.loss = steps.loss();
    report.warnings = warnings_of(cell, x.shape(1));
    for (const auto& entry : cell.parameters()) report.parameters.push_back(entry.path);
    report.parameters.emplace_back("all");
    report.k = ks;
    std::vector<Gradient> truncated(ks.size());
    const auto nowhere = [](std::size_t) { return false; };
    for_distances<T>(steps, steps.size(), nowhere, [&](const Gradient& one) {
        add_to(report.full, one);
        report.by_distance.push_back(norms_of(one));
        for (std::size_t i = 0; i < ks.size(); ++i)
            if (report.by_distance.size() == std::min(ks[i], steps.size())) truncated[i] = report.full;
    });
    for (std::size_t i = 0; i < ks.size(); ++i) {
        const std::size_t k = ks[i];
        if (options.truncation == Truncation::stretches && k < steps.size()) {
            truncated[i].clear();
            for_distances<T>(
                steps, k, [k](std::size_t t) { return t % k == 0; },
                [&](const Gradient& one) { add_to(truncated[i], one); });
        }
        add_entries(report, truncated[i], k);
    }
    return report;
}

}  // namespace

TruncationReport truncation_of(AnyLayer<float> cell, const Tensor<float>& x, const LossOfOutputs<float>& loss,
                               const std::vector<std::size_t>& k, const TruncationOptions& options) {
    return report_on(cell, x, loss, k, options);
}
TruncationReport truncation_of(AnyLayer<double> cell, const Tensor<double>& x,
                               const LossOfOutputs<double>& loss, const std::vector<std::size_t>& k,
                               const TruncationOptions& options) {
    return report_on(cell, x, loss, k, options);
}

}  // namespace detail

const TruncatedGradient& TruncationReport::at(std::string_view parameter, std::size_t of_k) const {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const TruncatedGradient& entry) {
        return entry.parameter == parameter && entry.k == of_k;
    });
    if (found != entries.end()) return *found;
    throw std::invalid_argument(
        fmt::format("TruncationReport: there is no k={} of '{}'; k is {{{}}} and the parameters are {}", of_k,
                    parameter, fmt::join(k, ", "), fmt::join(parameters, ", ")));
}

std::string TruncationReport::text() const {
    std::string text =
        fmt::format("{} against the full gradient: T={} B={}, J = {:.6g}\n",
                    truncation == Truncation::window ? "BPTT(k), every loss looking back over k steps,"
                                                     : "BPTT in stretches of k steps",
                    time_steps, batch, loss);
    text += fmt::format("  norm, cosine, ratio to the full norm {:>6}", "k");
    for (const std::string& parameter : parameters) text += fmt::format("  {:>24}", parameter);
    text += "\n";
    std::size_t next = 0;
    for (std::size_t of_k : k) {
        text += fmt::format("  {:>42}", of_k);
        for (std::size_t p = 0; p < parameters.size(); ++p, ++next)
            text += fmt::format("  {:>8.2e} {:>7.4f} {:>7.4f}", entries[next].norm, entries[next].cosine,
                                entries[next].ratio);
        text += "\n";
    }
    for (const std::string& warning : warnings) text += "  warning: " + warning + "\n";
    return text;
}

std::string TruncationReport::csv() const {
    std::string text = "parameter,k,norm,cosine,ratio\n";
    for (const TruncatedGradient& entry : entries)
        text += fmt::format("{},{},{:.17g},{:.17g},{:.17g}\n", tapeloop::detail::csv_field(entry.parameter),
                            entry.k, entry.norm, entry.cosine, entry.ratio);
    return text;
}

}  // namespace tapeloop::nn
