#include <fmt/format.h>
#include <autograd/check/examine.hpp>
#include <autograd/check/examine_elsewhere.hpp>
#include <autograd/check/judge/input_comparison.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/check/judge/same_again.hpp>
#include <autograd/check/judge/sweep_again.hpp>
#include <autograd/check/judge/tape_beside.hpp>
#include <autograd/check/locate/explain_suspect.hpp>
#include <autograd/check/locate/locate.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

template <class T>
class Examination {
  public:
    Examination(GradientReport& report, Subject<T>& subject, const CheckOptions& options)
        : report_(report),
          subject_(subject),
          options_(options),
          deadline_(options.seconds),
          seed_(report.seed) {}

    void run();

  private:
    bool evaluate_center();
    bool record_center();
    bool is_same_again(std::size_t calls, std::string_view when);
    bool stays_the_same();
    bool is_finite();
    void compare_recorded(const std::vector<double>& recorded);
    void check_input(std::size_t k);
    void summarise(CheckedInput& checked, const InputComparison<T>& comparison,
                   const std::vector<CheckedElement>& elements);
    void keep_worst(std::size_t k, CheckedInput& checked, const std::vector<CheckedElement>& elements);
    void note_undecided(const CheckedInput& checked, const std::vector<CheckedElement>& elements);
    void warn_untold(const CheckedInput& checked);
    void sweep_again();
    void explain();
    void find(Diagnosis diagnosis, const std::string& input, std::string text) {
        report_.findings.push_back({diagnosis, subject_.order(), input, std::move(text)});
    }

    GradientReport& report_;
    Subject<T>& subject_;
    const CheckOptions& options_;
    Deadline deadline_;
    std::uint64_t seed_;
    std::vector<double> center_;
    std::optional<Differences<T>> differences_;
    std::optional<TapeBeside<T>> tape_beside_;
    std::vector<std::vector<double>> gradients_;
    std::size_t computed_ = 0;  ///< elements, by a recording
    std::vector<bool> by_elements_;
    std::vector<Suspect> suspects_;
};

/// <cotangent, results>. A single element has one that is not 1 either; the report is of the gradient itself.
std::vector<double> cotangent_for(std::size_t size, std::uint64_t seed) {
    return size == 1 ? std::vector<double>{-2} : random_weights(size, seed + 0x5bd1e995);
}

bool all_finite(const std::vector<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return std::isfinite(element); });
}

/// Multiplies all that a report says of an input's gradient.
void scale(CheckedInput& checked, double factor) {
    for (double* one : {&checked.largest, &checked.largest_deviation}) *one *= std::abs(factor);
    for (CheckedElement& one : checked.worst) {
        one.tape *= factor;
        one.numeric *= factor;
        one.difference = one.tape == one.numeric ? 0 : one.tape - one.numeric;
        one.tolerance *= std::abs(factor);
        for (CheckedElement::Trial& trial : one.sweep)
            for (double* slope : {&trial.central, &trial.below, &trial.above}) *slope *= factor;
    }
}

template <class T>
bool Examination<T>::is_same_again(std::size_t calls, std::string_view when) {
    std::optional<Finding> found = changed_again(subject_, center_, options_.nondeterminism, calls, when);
    if (found.has_value()) report_.findings.insert(report_.findings.begin(), std::move(*found));
    return !found.has_value();
}

template <class T>
bool Examination<T>::stays_the_same() {
    const bool is_right = suspects_.empty() && report_.findings.empty();
    const std::size_t calls = !is_right ? calls_of_wrong : subject_.order() == 1 ? calls_of_right : 1;
    return is_same_again(affordable_calls(calls, computed_), "before and after others");
}

template <class T>
bool Examination<T>::evaluate_center() {
    subject_.evaluate(center_);
    return is_same_again(1, "in a row");
}

/// Evaluates, at its point, a function that differentiates by itself, which takes a recording.
template <class T>
bool Examination<T>::record_center() {
    subject_.set_recording(true);
    return evaluate_center();
}

template <class T>
bool Examination<T>::is_finite() {
    if (all_finite(center_)) return true;
    find(
        Diagnosis::not_finite, "",
        fmt::format("{} of {} elements of {} are NaN or infinite; a tape with `.watch = true` says where the "
                    "first one comes from",
                    std::count_if(center_.begin(), center_.end(), [](double x) { return !std::isfinite(x); }),
                    center_.size(), subject_.order() == 1 ? "f's results" : "the gradient"));
    return false;
}

template <class T>
void Examination<T>::compare_recorded(const std::vector<double>& recorded) {
    double scale = 0;
    for (double element : center_) scale = std::max(scale, std::abs(element));
    const double tolerance = (sizeof(T) == 8 ? 1e-10 : 1e-3) * std::max(1.0, scale);
    std::size_t offset = 0;
    for (std::size_t k = 0; k < subject_.own_inputs(); ++k) {
        const std::size_t size = subject_.result_shapes()[k].size();
        double largest = 0;
        for (const std::size_t end = offset + size; offset < end; ++offset)
            largest = std::max(largest, std::isnan(recorded[offset])
                                            ? HUGE_VAL
                                            : std::abs(recorded[offset] - center_[offset]));
        if (largest > tolerance)
            find(Diagnosis::recorded_rule_differs, subject_.input(k).name,
                 fmt::format("gradient_graph and gradient differ by up to {:.3g} at one point", largest));
    }
}

template <class T>
void Examination<T>::run() {
    // Gradients that are zero for want of a recording may be what is not finite.
    if (!evaluate_center() || (!all_finite(center_) && !record_center())) return;
    if (!is_finite() || center_.empty()) return;
    const std::vector<double> cotangent = cotangent_for(center_.size(), seed_);
    auto differentiated = subject_.differentiate(cotangent);
    if (subject_.order() == 1 && !same_values(differentiated.results, center_, options_.nondeterminism) &&
        !(record_center() && is_finite()))
        return;
    if (subject_.order() == 2) compare_recorded(differentiated.results);
    if (subject_.order() == 1) report_.result_elements = center_.size();
    gradients_ = std::move(differentiated.gradients);
    std::vector<std::size_t> sizes;
    for (const std::vector<double>& gradient : gradients_) sizes.push_back(gradient.size());
    computed_ = differentiated.computed;
    by_elements_ = inputs_by_elements(sizes, computed_, options_);
    differences_.emplace(subject_, cotangent, center_, options_);
    tape_beside_.emplace(subject_, differences_->cotangent(), seed_);
    for (std::size_t k = 0; k < subject_.size(); ++k) check_input(k);
    if (!stays_the_same()) return;
    if (subject_.order() == 1) sweep_again();
    explain();
}

template <class T>
void Examination<T>::check_input(std::size_t k) {
    CheckedInput checked;
    checked.name = subject_.input(k).name;
    checked.shape = subject_.input(k).shape();
    checked.order = subject_.order();
    for (double element : gradients_[k]) checked.largest = std::max(checked.largest, std::abs(element));
    InputComparison<T> comparison(subject_, *differences_, options_, deadline_, seed_);
    if (by_elements_[k])
        comparison.compare_each(k, gradients_[k], checked);
    else
        comparison.compare_along(k, gradients_[k], checked, options_.directions);
    std::vector<CheckedElement>& elements = comparison.elements();
    tape_beside_->excuse(k, elements, *differences_);
    summarise(checked, comparison, elements);
    keep_worst(k, checked, elements);
    note_undecided(checked, elements);
    // The report is of the gradient itself.
    if (center_.size() == 1) scale(checked, 1 / differences_->cotangent()[0]);
    if (checked.wrong != 0) suspects_.push_back({k, std::move(elements)});
    report_.inputs.push_back(std::move(checked));
}

template <class T>
void Examination<T>::summarise(CheckedInput& checked, const InputComparison<T>& comparison,
                               const std::vector<CheckedElement>& elements) {
    checked.compared = elements.size();
    double largest_numeric = 0;
    for (const CheckedElement& one : elements) {
        checked.wrong += one.verdict == Verdict::wrong ? 1U : 0U;
        const bool is_undecided = one.verdict == Verdict::kink || one.verdict == Verdict::rounding;
        checked.undecided += is_undecided ? 1U : 0U;
        const bool is_hidden = !differences_->tells(one) && (one.tape != 0 || one.numeric != 0);
        checked.untold += is_undecided || is_hidden ? 1U : 0U;
        checked.largest_deviation = std::max(checked.largest_deviation, std::abs(one.difference));
        largest_numeric = std::max(largest_numeric, std::abs(one.numeric));
    }
    // A direction crosses kinks that no element does; where all elements were told, they decide, and what is
    // undecided among them may be what is wrong along it.
    if (checked.wrong == 0 && checked.failed_directions != 0 && comparison.has_seen_all() &&
        (checked.undecided != 0 || checked.untold == 0)) {
        checked.undecided_directions += checked.failed_directions;
        checked.failed_directions = 0;
    }
    if (checked.wrong == 0 && checked.failed_directions != 0)
        find(Diagnosis::unexplained, checked.name,
             fmt::format("{} of {} random directions disagree, but none of {} compared elements of {} does; "
                         "compare all of them by `.mode = CheckMode::elements`",
                         checked.failed_directions, checked.directions, checked.compared,
                         checked.shape.size()));
    if (comparison.is_cut_short())
        report_.warnings.push_back(
            fmt::format("the comparison of `{}` ended after {} of {} elements, by the option `seconds` or "
                        "`elements_after_failure`; raise it to compare the others",
                        checked.name, checked.compared, checked.shape.size()));
    if (checked.shape.size() == 0) return;
    const bool is_zero = checked.largest == 0 && largest_numeric == 0 && !comparison.tells();
    if (is_zero && checked.undecided + checked.wrong == 0 && checked.undecided_directions == 0 &&
        subject_.order() == 1)
        report_.warnings.push_back(
            fmt::format("f does not depend on `{}`: its gradient is zero, by differences too", checked.name));
    else if (!comparison.tells() && checked.failed_directions == 0) {
        checked.untold = checked.shape.size();
        warn_untold(checked);
    }
}

template <class T>
void Examination<T>::warn_untold(const CheckedInput& checked) {
    if (subject_.order() == 2) return;  // zero as often as not
    report_.warnings.push_back(fmt::format(
        "the gradient by `{}` could not be told: all of it is zero, lost in the tolerances, or at "
        "kinks; scale f's result, or move the input",
        checked.name));
}

template <class T>
void Examination<T>::keep_worst(std::size_t k, CheckedInput& checked,
                                const std::vector<CheckedElement>& elements) {
    std::vector<std::size_t> order(elements.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto rank = [&](std::size_t i) { return std::pair(elements[i].verdict, excess_of(elements[i])); };
    const std::size_t count = std::min(options_.worst, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                      [&](std::size_t a, std::size_t b) { return rank(a) > rank(b); });
    const InputInfo& info = subject_.input(k).info;
    for (std::size_t i = 0; i < count; ++i) {
        CheckedElement one = elements[order[i]];
        one.position = position_of(one.index, checked.shape);
        if (const auto axis = time_axis(info)) one.time_step = one.position[*axis];
        if (!info.gates.empty())
            one.gate = info.gates[one.position.back() / (checked.shape.back() / info.gates.size())];
        checked.worst.push_back(std::move(one));
    }
}

template <class T>
void Examination<T>::note_undecided(const CheckedInput& checked,
                                    const std::vector<CheckedElement>& elements) {
    const auto count = [&](Verdict verdict) {
        return std::count_if(elements.begin(), elements.end(),
                             [verdict](const CheckedElement& one) { return one.verdict == verdict; });
    };
    if (const auto kinks = count(Verdict::kink); kinks != 0)
        find(Diagnosis::kink, checked.name,
             fmt::format(
                 "{} of {} elements lie at a kink: the slopes from below and from above differ, and the "
                 "tape's value is between them or among those right beside",
                 kinks, elements.size()));
    if (const auto lost = count(Verdict::rounding); lost != 0)
        find(
            Diagnosis::rounding, checked.name,
            fmt::format("{} of {} elements cannot be told: the differences' error falls and rises again with "
                        "the step before it is small enough",
                        lost, elements.size()));
}

/// A rule that changes explains all that is wrong behind it, and so does one that ignores the cotangent of a
/// single result, which is a multiple of the right gradient; other findings stand where nothing else does.
template <class T>
void Examination<T>::sweep_again() {
    for (auto& [finding, multiple] : detail::sweep_again(subject_, differences_->cotangent(), seed_)) {
        const auto is_of_it = [&, &input = finding.input](const Suspect& one) {
            return subject_.input(one.input).name == input;
        };
        if (finding.diagnosis == Diagnosis::rule_changes ||
            (finding.diagnosis == Diagnosis::cotangent_ignored && center_.size() == 1))
            std::erase_if(suspects_, is_of_it);
        if (std::any_of(suspects_.begin(), suspects_.end(), is_of_it)) continue;
        // A rule that clips is wrong where it does.
        const Differences<T> there(subject_, multiplied(differences_->cotangent(), multiple), center_,
                                   options_);
        for (std::size_t k = 0; options_.diagnose && k < subject_.size(); ++k)
            if (subject_.input(k).name == finding.input)
                if (const auto located = locate(subject_, there, k, 1); located.has_value())
                    finding.rule = located->rule;
        report_.findings.push_back(std::move(finding));
    }
}

template <class T>
void Examination<T>::explain() {
    SuspectExplainer<T> explainer(subject_, *differences_, options_, gradients_, suspects_);
    for (const Suspect& suspect : suspects_) {
        if (options_.diagnose)
            report_.findings.push_back(explainer.explained(suspect));
        else
            find(Diagnosis::unexplained, subject_.input(suspect.input).name,
                 "the gradient is wrong; in which way was not asked for");
    }
    for (Finding& finding : report_.findings)
        if (options_.diagnose && finding.diagnosis == Diagnosis::recorded_rule_differs &&
            explainer.recorded_rule().has_value()) {
            finding.rule = explainer.recorded_rule()->rule;
            finding.text += ": " + explainer.recorded_rule()->text;
        }
}

}  // namespace

template <class T>
void examine(GradientReport& report, Subject<T>& subject, const CheckOptions& options) {
    Examination<T>(report, subject, options).run();
    if (subject.order() == 1 && report.passed() && options.elsewhere)
        examine_elsewhere(report, subject, options);
}

template void examine(GradientReport&, Subject<float>&, const CheckOptions&);
template void examine(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
