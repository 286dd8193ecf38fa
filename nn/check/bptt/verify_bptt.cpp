#include <fmt/format.h>
#include <autograd/check/check_gradient.hpp>
#include <autograd/check/random.hpp>
#include <autograd/check/saved_parameters.hpp>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/bptt/step_checks.hpp>
#include <nn/check/bptt/step_differences.hpp>
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

/// Returns the offset of the sequence's start from the cell's initial state.
template <class T>
std::vector<Tensor<T>> offsets_for(const CellUnderCheck<T>& cell, std::size_t batch,
                                   const BpttOptions& options, std::uint64_t seed) {
    const Tape<T> tape;
    tapeloop::detail::CheckRandom random(seed + 1);
    return offsets_from(cell.layer.initial_state(batch), starting_state(options), "verify_bptt", random);
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
        : cell_(cell), loss_(loss), options_(options) {
        constexpr bool fine = sizeof(T) == 8;
        report_.seed = tapeloop::detail::seed_of({.seed = options.seed});
        report_.in_double = fine;
        report_.time_steps = x.shape(0);
        report_.batch = x.shape(1);
        if (options_.exact_limit <= 0) options_.exact_limit = fine ? 1e-11 : 1e-4;
        if (options_.difference_limit <= 0) options_.difference_limit = fine ? 1e-6 : 2e-2;
        offsets_ = offsets_for(cell, x.shape(1), options, report_.seed);
        tape_ = run_tape(cell, loss, x, offsets_, report_.seed);
        report_.loss = tape_.loss;
        names_ = term_names(cell, offsets_);
        summands_.resize(report_.time_steps);
        for (std::size_t part = 0; part < offsets_.size(); ++part)
            if (offsets_[part].size() == 0)
                report_.warnings.push_back(fmt::format(
                    "{} is {} at the start, so nothing that reads it was verified; `random_initial_state` "
                    "opens it, and so does an `initial_state`",
                    names_.names[names_.parameters + 1 + part], shape_of(offsets_[part]).text()));
    }

    BpttReport run() {
        if (!is_finite()) return std::move(report_);
        const bool keeps_nothing = check_values();
        if (keeps_nothing) {
            check_forward_mode();
            if (cell_.closed_form) check_closed_form();
        }
        check_differences(keeps_nothing);
        find_divergence();
        conclude();
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
        if (is_found("the outputs are", tape_.results.output)) return false;
        for (const Tensor<T>& part : tape_.results.state)
            if (is_found("the final state is", part)) return false;
        const std::vector<const Tensor<T>*> gradients = listed(tape_.total);
        for (std::size_t k = 0; k < gradients.size(); ++k)
            if (is_found(fmt::format("the gradient by {} is", names_.names[k]), *gradients[k])) return false;
        return true;
    }
    /// Returns whether each step gives on its own what it gave within the unroll, and all of them what
    /// `unroll` gives.
    bool check_values() {
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            const StepResults<T> alone = LoneStep<T>(cell_, tape_.points[t]).values();
            if (same_values(alone, tape_.values[t])) continue;
            report_.findings.push_back(fmt::format(
                "t={}: a step from the state that the unroll had there gives something else than in the "
                "unroll; the cell keeps what is not in its state, or is random",
                t));
            return false;
        }
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            const StepResults<T> in_sequence{closed_form::time_step_of(tape_.results.output, t), {}};
            if (same_values(in_sequence, {tape_.values[t].output, {}})) continue;
            report_.findings.push_back(fmt::format(
                "t={}: the cell's own unroll, or `project` of all time steps at once, gives another output "
                "than step by step",
                t));
            return false;
        }
        const StepResults<T> end{tape_.results.output, tape_.results.state};
        if (same_values(end, {tape_.results.output, tape_.values.back().state})) return true;
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
            return deviation.relative <= options_.exact_limit;
        });
    }

    void check_forward_mode() {
        BpttWay way{"forward mode", options_.exact_limit, {}, {}};
        const std::size_t carried = carried_by_forward_mode(cell_, tape_.run);
        std::optional<ForwardMode<T>> forward;
        if (carried <= options_.forward_limit) {
            forward = forward_mode(cell_, tape_);
            summands_ = std::move(forward->summands);
        } else if (options_.forward_limit != 0) {
            report_.warnings.push_back(
                fmt::format("forward mode would carry {} numbers from step to step, and was left out for the "
                            "whole sequence; take fewer rows, or units, or raise `forward_limit`",
                            carried));
        }
        for (std::size_t t = 0; t < report_.time_steps; ++t) {
            raise_summands(summands_[t], tape_, t);
            way.time_steps.push_back(
                compared(t, LoneStep<T>(cell_, tape_.points[t]).terms(tape_.cotangents[t])));
        }
        if (forward.has_value()) {
            add_outside_of_steps(cell_, tape_, forward->total);
            way.totals = deviations(names_, tape_.total, forward->total, largest_of(summands_));
            find_in_sequence(way, forward->total.x);
        }
        add(std::move(way));
    }

    void check_closed_form() {
        const std::vector<StepTerms<T>> terms = cell_.closed_form(tape_.run);
        if (terms.size() != report_.time_steps)
            throw std::invalid_argument(
                fmt::format("verify_bptt: the closed form gives {} time steps for a sequence of {}",
                            terms.size(), report_.time_steps));
        BpttWay way{"closed form", options_.exact_limit, {}, {}};
        StepTerms<T> total = total_of(terms, tape_.run.x);
        add_outside_of_steps(cell_, tape_, total);
        way.totals = deviations(names_, tape_.total, total, largest_of(summands_));
        find_in_sequence(way, total.x);
        // As long as the two agree, its own recursion is what is checked.
        bool is_together = true;
        way.time_steps.resize(report_.time_steps);
        for (std::size_t t = report_.time_steps; t-- > 0;) {
            const StepTerms<T>& other = is_together ? terms[t] : closed_form_of_step(cell_, tape_, t);
            way.time_steps[t] = compared(t, other);
            is_together = is_together && hands_back_right(way.time_steps[t], names_, way.limit);
        }
        add(std::move(way));
    }

    void check_differences(bool with_steps) {
        report_.differences = check_sequence(false);
        for (const std::string& warning : report_.differences.warnings) report_.warnings.push_back(warning);
        report_.differences.warnings.clear();
        BpttWay way{"differences", options_.difference_limit, {}, {}};
        const StepDifferences<T> differences(cell_, names_, tape_, options_.difference_limit,
                                             options_.step_elements, report_.seed);
        for (std::size_t t = 0; with_steps && t < report_.time_steps; ++t)
            way.time_steps.push_back({StepVerdict::right, differences.of_step(t, summands_[t])});
        add(std::move(way));
    }

    GradientReport check_sequence(bool diagnose) {
        const CheckFunction<T> f = [this](const std::vector<Var<T>>& arguments) {
            const Parts<T> offsets(arguments.begin() + 1, arguments.end());
            const auto unrolled = unroll(cell_.layer, arguments[0], start_of(cell_, report_.batch, offsets));
            return loss_(unrolled.outputs, unrolled.state);
        };
        return check_function(f, inputs_of(cell_, names_, tape_.run.x, offsets_), check_options(diagnose));
    }
    /// Checks once more, with a diagnosis: the step that is wrong, if it is so on a tape of its own.
    GradientReport look_closer() {
        if (!report_.first_divergence.has_value() || !way_called("forward mode").steps_agree() ||
            way_called("differences").steps_agree())
            return check_sequence(true);
        const StepPoint<T>& point = tape_.points[report_.first_divergence->time_step];
        return check_function(function_of_step(cell_), inputs_of(cell_, names_, point.x, point.state),
                              check_options(true));
    }
    CheckOptions check_options(bool diagnose) const {
        CheckOptions options = options_.gradient;
        options.order = 1;
        options.seed = report_.seed;
        options.diagnose = diagnose;
        options.result.axes = {"time", "batch", "unit"};
        return options;
    }

    StepCheck compared(std::size_t t, const StepTerms<T>& other) const {
        return {StepVerdict::right, deviations(names_, tape_.terms[t], other, summands_[t])};
    }
    void add(BpttWay way) {
        settle_verdicts(way, names_);
        report_.ways.push_back(std::move(way));
    }

    template <class Other>
    void find_in_sequence(const BpttWay& way, const Tensor<Other>& x);
    void find_divergence();
    void conclude();
    bool loss_is_right() const;
    bool initial_state_is_right() const;
    std::string conclusion(bool steps_agree) const;
    const BpttWay& way_called(const std::string& name) const;
    bool hands_nothing_back(std::size_t t) const;

    const CellUnderCheck<T>& cell_;
    const BpttLoss<T>& loss_;
    BpttOptions options_;
    BpttReport report_;
    std::vector<Tensor<T>> offsets_;  ///< of the start from the cell's initial state
    TapeRun<T> tape_;
    TermNames names_;
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
    const double scale = way.totals[names_.parameters].scale;
    for (std::size_t t = report_.time_steps; t-- > 0 && !divergence_of_x_.has_value();) {
        Deviation deviation = largest_deviation("x of the whole sequence",
                                                as_double(closed_form::time_step_of(tape_.total.x, t)),
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
                found.gate = gate_of(deviations[k], names_.gates[k]);
            }
            report_.first_divergence = std::move(found);
            return;
        }
    report_.first_divergence = divergence_of_x_;
}

template <class T>
const BpttWay& Verification<T>::way_called(const std::string& name) const {
    return *std::find_if(report_.ways.begin(), report_.ways.end(),
                         [&](const BpttWay& way) { return way.name == name; });
}

template <class T>
bool Verification<T>::hands_nothing_back(std::size_t t) const {
    const auto is_zero = [](const Tensor<T>& part) {
        return std::all_of(part.begin(), part.end(), [](T element) { return element == 0; });
    };
    return std::all_of(tape_.terms[t].state.begin(), tape_.terms[t].state.end(), is_zero);
}

template <class T>
bool Verification<T>::loss_is_right() const {
    const CheckFunction<T> f = [this](const std::vector<Var<T>>& arguments) {
        return loss_(arguments[0], Parts<T>(arguments.begin() + 1, arguments.end()));
    };
    std::vector<CheckInput<T>> inputs{{"outputs", tape_.results.output}};
    for (const Tensor<T>& part : tape_.results.state) inputs.emplace_back("final state", part);
    for (const auto& entry : cell_.parameters) inputs.emplace_back(entry.path, *entry.parameter);
    return check_function(f, inputs, check_options(false)).passed();
}

/// Returns whether the gradient of the initial state by the parameters of which it may be made is right.
template <class T>
bool Verification<T>::initial_state_is_right() const {
    const CheckFunction<T> f = [this](const std::vector<Var<T>>&) {
        return cell_.layer.initial_state(report_.batch);
    };
    std::vector<CheckInput<T>> inputs;
    for (const auto& entry : cell_.parameters) inputs.emplace_back(entry.path, *entry.parameter);
    return offsets_.empty() || inputs.empty() || check_function(f, inputs, check_options(false)).passed();
}

template <class T>
void Verification<T>::conclude() {
    if (!report_.findings.empty()) return;
    const auto of_all = [this](const auto& property) {
        return std::all_of(report_.ways.begin(), report_.ways.end(), property);
    };
    const bool steps_agree = of_all([](const BpttWay& way) { return way.steps_agree(); });
    const bool totals_agree = of_all([](const BpttWay& way) { return way.totals_agree(); });
    if (steps_agree && totals_agree && report_.differences.passed()) return;
    const bool is_proved = steps_agree && totals_agree &&
                           !of_all([](const BpttWay& way) { return way.totals.empty(); }) &&
                           !report_.differences.has(Diagnosis::non_deterministic);
    const bool starts_wrongly = steps_agree && !initial_state_is_right();
    if (is_proved && !starts_wrongly && loss_is_right()) {
        report_.warnings.emplace_back(
            "differences over the whole sequence disagree, but those of every step and the sums of the steps "
            "do not: small changes grow too fast over time for them to tell");
        return;
    }
    report_.findings.push_back(starts_wrongly ? "every time step is right by itself: the initial state "
                                                "differentiates wrongly; does it use a parameter's value()?"
                               : is_proved
                                   ? "the steps are right, and their sums: the loss differentiates wrongly"
                                   : conclusion(steps_agree));
    report_.details = look_closer();
}

/// Concludes what is wrong from which ways agree.
template <class T>
std::string Verification<T>::conclusion(bool steps_agree) const {
    const BpttWay& forward = way_called("forward mode");
    if (report_.differences.passed() && way_called("differences").steps_agree() && forward.steps_agree() &&
        forward.totals_agree())
        return "tape, forward mode and differences agree: the closed form is wrong";
    if (steps_agree)
        return "every time step is right by itself, the whole is not: what `project` or the cell's own "
               "unroll does to all time steps at once differentiates wrongly";
    if (!forward.steps_agree())
        return "a step on a tape of its own has another gradient than in the unroll: the recursion over time "
               "is wrong";
    if (hands_nothing_back(report_.first_divergence->time_step))
        return "no gradient reaches the state that a step reads: is it detached, or used as a value()?";
    return "a single step differentiates wrongly, on a tape of its own as well: a rule is wrong, or a value "
           "was taken off the tape";
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
