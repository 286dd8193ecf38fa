#include <fmt/format.h>
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/saved_parameters.hpp>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/bptt/branch_on_value.hpp>
#include <nn/check/bptt/conclusion.hpp>
#include <nn/check/bptt/step_checks.hpp>
#include <nn/check/bptt/step_differences.hpp>
#include <nn/check/bptt/verified_run.hpp>
#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/check/not_finite.hpp>
#include <nn/closed_form/loops.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

namespace {

template <class T>
void require_sequence(const Tensor<T>& x) {
    if (x.dimension() != 3 || x.size() == 0)
        throw std::invalid_argument(fmt::format(
            "verify_bptt: x is {}; it must be [T, B, I] with at least one element", shape_of(x).text()));
}

/// The sums of the terms, as one term of the whole sequence.
template <class T>
StepTerms<T> total_of(const std::vector<StepTerms<T>>& terms, const Tensor<T>& x) {
    StepTerms<T> total = terms.front();
    total.x = closed_form::zeros_like(x);
    for (std::size_t t = 0; t < terms.size(); ++t) {
        closed_form::set_time_step(total.x, t, terms[t].x);
        for (std::size_t k = 0; t > 0 && k < total.parameters.size(); ++k)
            closed_form::add_to(total.parameters[k], terms[t].parameters[k]);
    }
    return total;
}

/// The largest of all time steps.
Summands largest_of(const std::vector<Summands>& summands) {
    Summands largest;
    const auto grow = [](std::vector<double>& sizes, const std::vector<double>& more) {
        sizes.resize(more.size());
        for (std::size_t k = 0; k < more.size(); ++k) sizes[k] = std::max(sizes[k], more[k]);
    };
    for (const Summands& one : summands) {
        grow(largest.parameters, one.parameters);
        grow(largest.state, one.state);
        largest.x = std::max(largest.x, one.x);
    }
    return largest;
}

template <class T>
class Verification {
  public:
    Verification(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                 const BpttOptions& options)
        : run_(verified_run(cell, loss, x, options)) {
        report_.seed = run_.seed;
        report_.in_double = sizeof(T) == 8;
        report_.time_steps = x.shape(0);
        report_.batch = x.shape(1);
        report_.loss = run_.tape.loss;
        summands_.resize(report_.time_steps);
        for (std::size_t part = 0; part < run_.offsets.size(); ++part)
            if (run_.offsets[part].size() == 0)
                report_.warnings.push_back(fmt::format(
                    "{} is {} at the start, so nothing that reads it was verified; `random_initial_state` "
                    "opens it, and so does an `initial_state`",
                    run_.names.names[run_.names.parameters + 1 + part], shape_of(run_.offsets[part]).text()));
    }

    BpttReport run() {
        if (!is_finite()) return std::move(report_);
        const bool keeps_nothing = check_values();
        if (keeps_nothing) {
            check_forward_mode();
            if (run_.cell.closed_form) check_closed_form();
        }
        check_differences(keeps_nothing);
        find_divergence();
        conclude(report_, run_);
        if (report_.passed()) find_branch();
        if (report_.passed()) look_at_own_start();
        return std::move(report_);
    }

  private:
    /// Returns whether the tape's values and gradients are finite: others agree with nothing, themselves
    /// included.
    bool is_finite() {
        const auto is_found = [this](const std::string& name, const Tensor<T>& tensor) {
            const std::string where = not_finite(as_double(tensor));
            if (!where.empty())
                report_.findings.push_back(fmt::format(
                    "{} not finite: {}; a Tape({{.watch = true}}) says where it comes from", name, where));
            return !where.empty();
        };
        if (is_found("the outputs are", run_.tape.results.output)) return false;
        for (const Tensor<T>& part : run_.tape.results.state)
            if (is_found("the final state is", part)) return false;
        const std::vector<const Tensor<T>*> gradients = listed(run_.tape.total);
        for (std::size_t k = 0; k < gradients.size(); ++k)
            if (is_found(fmt::format("the gradient by {} is", run_.names.names[k]), *gradients[k]))
                return false;
        return true;
    }
    /// Returns whether each step gives on its own what it gave within the unroll, and all of them what
    /// `unroll` gives.
    bool check_values() {
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            const StepResults<T> alone = LoneStep<T>(run_.cell, run_.tape.points[t]).values();
            if (same_values(alone, run_.tape.values[t])) continue;
            report_.findings.push_back(fmt::format(
                "t={}: a step from the state that the unroll had there gives something else than in the "
                "unroll; the cell keeps what is not in its state, or is random",
                t));
            return false;
        }
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            const StepResults<T> in_sequence{closed_form::time_step_of(run_.tape.results.output, t), {}};
            if (same_values(in_sequence, {run_.tape.values[t].output, {}})) continue;
            report_.findings.push_back(fmt::format(
                "t={}: the cell's own unroll, or `project` of all time steps at once, gives another output "
                "than step by step",
                t));
            return false;
        }
        const StepResults<T> end{run_.tape.results.output, run_.tape.results.state};
        if (same_values(end, {run_.tape.results.output, run_.tape.values.back().state})) return true;
        report_.findings.emplace_back("the cell's own unroll gives another final state than step by step");
        return false;
    }
    bool same_values(const StepResults<T>& a, const StepResults<T>& b) const {
        const StepTerms<T> first{a.state, a.output, {}};
        const StepTerms<T> second{b.state, b.output, {}};
        TermNames names;
        names.names.resize(a.state.size() + 1);
        const std::vector<Deviation> apart = deviations(names, first, second, {});
        return std::all_of(apart.begin(), apart.end(), [this](const Deviation& deviation) {
            return deviation.relative <= run_.options.exact_limit;
        });
    }

    void check_forward_mode() {
        BpttWay way{"forward mode", run_.options.exact_limit, {}, {}};
        const std::size_t carried = carried_by_forward_mode(run_.cell, run_.tape.run);
        std::optional<ForwardMode<T>> forward;
        if (carried <= run_.options.forward_limit) {
            forward = forward_mode(run_.cell, run_.tape);
            summands_ = std::move(forward->summands);
        } else if (run_.options.forward_limit != 0) {
            report_.warnings.push_back(
                fmt::format("forward mode would carry {} numbers from step to step, and was left out for the "
                            "whole sequence; take fewer rows, or units, or raise `forward_limit`",
                            carried));
        }
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            raise_summands(summands_[t], run_.tape, t);
            way.time_steps.push_back(
                compared(t, LoneStep<T>(run_.cell, run_.tape.points[t]).terms(run_.tape.cotangents[t])));
        }
        if (forward.has_value()) {
            add_outside_of_steps(run_.cell, run_.tape, forward->total);
            way.totals = deviations(run_.names, run_.tape.total, forward->total, largest_of(summands_));
            find_in_sequence(way, forward->total.x);
        }
        add(std::move(way));
    }

    void check_closed_form() {
        const std::vector<StepTerms<T>> terms = run_.cell.closed_form(run_.tape.run);
        if (terms.size() != report_.time_steps)
            throw std::invalid_argument(
                fmt::format("verify_bptt: the closed form gives {} time steps for a sequence of {}",
                            terms.size(), report_.time_steps));
        BpttWay way{"closed form", run_.options.exact_limit, {}, {}};
        StepTerms<T> total = total_of(terms, run_.tape.run.x);
        add_outside_of_steps(run_.cell, run_.tape, total);
        way.totals = deviations(run_.names, run_.tape.total, total, largest_of(summands_));
        find_in_sequence(way, total.x);
        // As long as the two agree, its own recursion is what is checked.
        bool is_together = true;
        way.time_steps.resize(report_.time_steps);
        for (std::size_t t = report_.time_steps; t-- > 0;) {
            const StepTerms<T>& other = is_together ? terms[t] : closed_form_of_step(run_.cell, run_.tape, t);
            way.time_steps[t] = compared(t, other);
            is_together = is_together && hands_back_right(way.time_steps[t], run_.names, way.limit);
        }
        add(std::move(way));
    }

    void check_differences(bool with_steps) {
        report_.differences = check_sequence(run_, false);
        for (const std::string& warning : report_.differences.warnings) report_.warnings.push_back(warning);
        report_.differences.warnings.clear();
        BpttWay way{"differences", run_.options.difference_limit, {}, {}};
        const StepDifferences<T> differences(run_.cell, run_.names, run_.tape, run_.options.difference_limit,
                                             run_.options.step_elements, report_.seed);
        if (with_steps) way.time_steps.resize(report_.time_steps);
        // The place in the last step that is wrong is the one that is reported.
        bool is_placed = false;
        for (std::size_t t = way.time_steps.size(); t-- > 0;) {
            way.time_steps[t].deviations = differences.of_step(t, summands_[t], !is_placed);
            for (const Deviation& one : way.time_steps[t].deviations)
                is_placed = is_placed || !(one.relative <= way.limit);
        }
        add(std::move(way));
    }

    void find_branch() {
        std::string found = branch_on_value(run_);
        if (!found.empty()) report_.findings.push_back(std::move(found));
    }

    /// Where sequences start, which the run did not: at zeros a norm has no gradient.
    void look_at_own_start() {
        std::optional<GradientReport> found = check_own_start(run_);
        if (!found.has_value() || found->passed()) return;
        report_.findings.emplace_back(
            "the first step differentiates wrongly from the cell's own initial state, though not from a "
            "random one beside it");
        report_.details = std::move(found);
    }

    StepCheck compared(std::size_t t, const StepTerms<T>& other) const {
        return {StepVerdict::right, deviations(run_.names, run_.tape.terms[t], other, summands_[t])};
    }
    void add(BpttWay way) {
        settle_verdicts(way, run_.names);
        report_.ways.push_back(std::move(way));
    }

    template <class Other>
    void find_in_sequence(const BpttWay& way, const Tensor<Other>& x);
    void find_divergence();
    BpttReport report_;
    VerifiedRun<T> run_;
    std::vector<Summands> summands_;
    std::optional<Divergence> divergence_of_x_;  ///< of the whole sequence
};

/// The gate that an element of a packed tensor belongs to.
std::string gate_of(const Deviation& deviation, const std::vector<std::string>& gates) {
    if (gates.empty() || deviation.at.empty()) return {};
    return gates[deviation.at.back() / (deviation.shape.back() / gates.size())];
}

/// Finds the last time step at which the gradient by x of the whole sequence is not right; those by
/// parameters have no parts in time.
template <class T>
template <class Other>
void Verification<T>::find_in_sequence(const BpttWay& way, const Tensor<Other>& x) {
    const double scale = way.totals[run_.names.parameters].scale;
    for (std::size_t t = report_.time_steps; t-- > 0 && !divergence_of_x_.has_value();) {
        Deviation deviation = largest_deviation("x of the whole sequence",
                                                as_double(closed_form::time_step_of(run_.tape.total.x, t)),
                                                as_double(closed_form::time_step_of(x, t)), scale);
        if (deviation.relative > way.limit)
            divergence_of_x_ = Divergence{t, way.name, {}, way.limit, std::move(deviation), {}};
    }
}

template <class T>
void Verification<T>::find_divergence() {
    for (std::size_t t = report_.time_steps; t-- > 0;)
        for (const BpttWay& way : report_.ways) {
            if (t >= way.time_steps.size() || way.time_steps[t].verdict != StepVerdict::wrong) continue;
            const std::vector<Deviation>& deviations = way.time_steps[t].deviations;
            Divergence found{t, way.name, {}, way.limit, {}, {}};
            // In the order of the list: parameters tell more than what is handed back.
            for (std::size_t k = 0; k < deviations.size(); ++k) {
                if (deviations[k].relative <= way.limit) continue;
                if (!found.deviation.name.empty()) {
                    found.also.push_back(deviations[k].name);
                    continue;
                }
                found.deviation = deviations[k];
                found.gate = gate_of(deviations[k], run_.names.gates[k]);
            }
            report_.first_divergence = std::move(found);
            return;
        }
    report_.first_divergence = divergence_of_x_;
}

template <class T>
void move_zeros(const ParameterEntries<T>& parameters, double by, std::uint64_t seed) {
    tapeloop::detail::CheckRandom random(seed + 3);
    for (const auto& entry : parameters) {
        const Tensor<T>& value = entry.parameter->value();
        if (std::find(value.begin(), value.end(), T(0)) == value.end()) continue;
        for (T& element : entry.parameter->update())
            if (element == T(0)) element = static_cast<T>(by * random.weight() / 1.5);
    }
}

template <class T>
BpttReport verify_in(const CellUnderCheck<T>& cell, const BpttLoss<T>& loss, const Tensor<T>& x,
                     const BpttOptions& options) {
    require_sequence(x);
    if (!(options.zeros_moved_by >= 0))
        throw std::invalid_argument(
            fmt::format("verify_bptt: zeros_moved_by is {}; it must be 0 or more", options.zeros_moved_by));
    tapeloop::detail::SavedParameters<T> saved;
    for (const auto& entry : cell.parameters) saved.add(*entry.parameter);
    if (options.zeros_moved_by > 0)
        move_zeros<T>(cell.parameters, options.zeros_moved_by,
                      tapeloop::detail::seed_of({.seed = options.seed}));
    return Verification<T>(cell, loss, x, options).run();
}

}  // namespace

StartingState starting_state(const BpttOptions& options) {
    return {options.random_initial_state, options.state_moved_by, options.initial_state};
}

BpttReport verify(const CellUnderCheck<float>& cell, const BpttLoss<float>& loss, const Tensor<float>& x,
                  const BpttOptions& options) {
    return verify_in(cell, loss, x, options);
}
BpttReport verify(const CellUnderCheck<double>& cell, const BpttLoss<double>& loss, const Tensor<double>& x,
                  const BpttOptions& options) {
    return verify_in(cell, loss, x, options);
}

}  // namespace tapeloop::nn::detail
