#include <nn/check/bptt/conclusion.hpp>

#include <algorithm>

namespace tapeloop::nn::detail {
namespace {

const BpttWay& way_called(const BpttReport& report, const std::string& name) {
    return *std::find_if(report.ways.begin(), report.ways.end(),
                         [&](const BpttWay& way) { return way.name == name; });
}

template <class T>
bool hands_nothing_back(const VerifiedRun<T>& run, std::size_t t) {
    const auto is_zero = [](const Tensor<T>& part) {
        return std::all_of(part.begin(), part.end(), [](T element) { return element == 0; });
    };
    return std::all_of(run.tape.terms[t].state.begin(), run.tape.terms[t].state.end(), is_zero);
}

/// Concludes what is wrong from which ways agree.
template <class T>
std::string conclusion(const BpttReport& report, const VerifiedRun<T>& run, bool steps_agree) {
    const BpttWay& forward = way_called(report, "forward mode");
    if (report.differences.passed() && way_called(report, "differences").steps_agree() &&
        forward.steps_agree() && forward.totals_agree())
        return "tape, forward mode and differences agree: the closed form is wrong";
    if (steps_agree)
        return "every time step is right by itself, the whole is not: what `project` or the cell's own "
               "unroll does to all time steps at once differentiates wrongly";
    if (!forward.steps_agree())
        return "a step on a tape of its own has another gradient than in the unroll: the recursion over time "
               "is wrong";
    if (hands_nothing_back(run, report.first_divergence->time_step))
        return "no gradient reaches the state that a step reads: is it detached, or used as a value()?";
    return "a single step differentiates wrongly, on a tape of its own as well: a rule is wrong, or a value "
           "was taken off the tape";
}

/// Checks once more, with a diagnosis: the step that is wrong, if it is so on a tape of its own.
template <class T>
GradientReport look_closer(const BpttReport& report, const VerifiedRun<T>& run) {
    const bool is_a_step = report.first_divergence.has_value() &&
                           way_called(report, "forward mode").steps_agree() &&
                           !way_called(report, "differences").steps_agree();
    return is_a_step ? check_step(run, report.first_divergence->time_step) : check_sequence(run, true);
}

}  // namespace

template <class T>
void conclude(BpttReport& report, const VerifiedRun<T>& run) {
    if (!report.findings.empty()) return;
    const auto of_all = [&report](const auto& property) {
        return std::all_of(report.ways.begin(), report.ways.end(), property);
    };
    const bool steps_agree = of_all([](const BpttWay& way) { return way.steps_agree(); });
    const bool totals_agree = of_all([](const BpttWay& way) { return way.totals_agree(); });
    if (steps_agree && totals_agree && report.differences.passed()) return;
    if (steps_agree && totals_agree && report.differences.has(Diagnosis::not_linear)) {
        report.findings.emplace_back(
            "all ways agree with these cotangents, and would not with others: a rule is not linear in its "
            "cotangent, such as one that clips it");
        report.details = check_sequence(run, true);
        return;
    }
    const bool is_proved = steps_agree && totals_agree &&
                           !of_all([](const BpttWay& way) { return way.totals.empty(); }) &&
                           !report.differences.has(Diagnosis::non_deterministic);
    const bool starts_wrongly = steps_agree && !initial_state_is_right(run);
    if (is_proved && !starts_wrongly && loss_is_right(run)) {
        report.warnings.emplace_back(
            "differences over the whole sequence disagree, but those of every step and the sums of the steps "
            "do not: small changes grow too fast over time for them to tell");
        return;
    }
    report.findings.push_back(starts_wrongly ? "every time step is right by itself: the initial state "
                                               "differentiates wrongly; does it use a parameter's value()?"
                              : is_proved
                                  ? "the steps are right, and their sums: the loss differentiates wrongly"
                                  : conclusion(report, run, steps_agree));
    report.details = look_closer(report, run);
}

template void conclude(BpttReport&, const VerifiedRun<float>&);
template void conclude(BpttReport&, const VerifiedRun<double>&);

}  // namespace tapeloop::nn::detail
