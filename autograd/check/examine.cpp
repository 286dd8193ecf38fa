#include <fmt/format.h>
#include <autograd/check/diagnosis.hpp>
#include <autograd/check/differences.hpp>
#include <autograd/check/evidence.hpp>
#include <autograd/check/examine.hpp>
#include <autograd/check/locate.hpp>
#include <autograd/check/random.hpp>

#include <algorithm>
#include <cmath>
#include <set>

namespace tapeloop::detail {
namespace {

// Where directions fail, so many elements are looked at for kinks before all are compared.
constexpr std::size_t first_look = 1'000;
// Of an input that is wrong all over, so many elements are looked at with other steps.
constexpr std::size_t confirmed_enough = 16;
// The largest Jacobian that is computed for a diagnosis, in elements, and the most rows it may have.
constexpr std::size_t largest_jacobian = 4'000'000;
constexpr std::size_t most_columns = 4'000;

template <class T>
class Examination {
  public:
    Examination(GradientReport& report, Subject<T>& subject, const CheckOptions& options)
        : report_(report), subject_(subject), options_(options) {}

    void run();

  private:
    struct Suspect {
        std::size_t input;
        std::vector<CheckedElement> elements;
    };

    bool evaluate_center();
    bool record_center();
    bool is_same_again(std::string_view when);
    bool is_finite();
    void compare_recorded(const std::vector<double>& recorded);
    void check_input(std::size_t k);
    std::vector<CheckedElement> compare(std::size_t k, CheckedInput& checked);
    bool directions_agree(std::size_t k, CheckedInput& checked, const std::vector<bool>& held = {});
    std::vector<bool> at_kinks(std::size_t k, const std::vector<CheckedElement>& elements);
    std::vector<CheckedElement> check_elements(std::size_t k, std::size_t most);
    void summarise(CheckedInput& checked, const std::vector<CheckedElement>& elements);
    void keep_worst(std::size_t k, CheckedInput& checked, const std::vector<CheckedElement>& elements);
    void note_undecided(const CheckedInput& checked, const std::vector<CheckedElement>& elements);
    void warn_untold(const CheckedInput& checked);
    void diagnose(const Suspect& suspect);
    Evidence evidence_of(const Suspect& suspect);
    void add_others(Evidence& evidence, const Suspect& suspect) const;
    void add_jacobian(Evidence& evidence, std::size_t k);
    std::vector<Evidence::Extent> extents() const;
    InputInfo info_of_result(const Shape& shape) const;
    void find(Diagnosis diagnosis, const std::string& input, std::string text) {
        report_.findings.push_back({diagnosis, subject_.order(), input, std::move(text)});
    }

    GradientReport& report_;
    Subject<T>& subject_;
    const CheckOptions& options_;
    std::vector<double> center_;
    std::optional<Differences<T>> differences_;
    std::vector<std::vector<double>> gradients_;
    std::vector<Suspect> suspects_;
};

/// <cotangent, results>: 1 for a single element, so that the report shows the gradient itself.
std::vector<double> cotangent_for(std::size_t size, std::uint64_t seed) {
    return size == 1 ? std::vector<double>{1} : random_weights(size, seed + 0x5bd1e995);
}

bool concerns_slices(Diagnosis diagnosis) {
    return diagnosis == Diagnosis::part || diagnosis == Diagnosis::time_step ||
           diagnosis == Diagnosis::first_step_only || diagnosis == Diagnosis::last_step_only ||
           diagnosis == Diagnosis::elements || diagnosis == Diagnosis::region;
}

/// What is wrong with the rule says more than how it shows at the input.
void prefer(std::optional<Diagnosed>& explanation, const Located& located) {
    if (!located.explanation.has_value()) return;
    const Diagnosis of_rule = located.explanation->diagnosis;
    const bool is_of_rule = of_rule == Diagnosis::not_linear || of_rule == Diagnosis::rule_changes ||
                            of_rule == Diagnosis::region || of_rule == Diagnosis::wrong_axis;
    if (explanation.has_value() && !is_of_rule &&
        !(concerns_slices(explanation->diagnosis) && !located.is_at_input))
        return;
    const std::string at_input = explanation.has_value() ? explanation->text : "";
    const bool is_place = explanation.has_value() && concerns_slices(explanation->diagnosis);
    explanation = located.explanation;
    if (is_place && at_input != explanation->text) explanation->text += "; at the input, " + at_input;
}

bool same_values(const std::vector<double>& a, const std::vector<double>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) {
               return x == y || (std::isnan(x) && std::isnan(y));
           });
}

bool all_finite(const std::vector<double>& x) {
    return std::all_of(x.begin(), x.end(), [](double element) { return std::isfinite(element); });
}

/// Returns the element's deviation in multiples of its tolerance.
double excess_of(const CheckedElement& element) {
    const double excess = std::abs(element.difference) / element.tolerance;
    return std::isnan(excess) ? HUGE_VAL : excess;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
        largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

template <class T>
bool Examination<T>::is_same_again(std::string_view when) {
    std::vector<double> again;
    subject_.evaluate(again);
    if (same_values(center_, again)) return true;
    std::string text =
        again.size() != center_.size()
            ? fmt::format("{} and {} elements", center_.size(), again.size())
            : fmt::format("values that differ by up to {:.3g}", largest_difference(center_, again));
    report_.findings.insert(report_.findings.begin(),
                            Finding{Diagnosis::non_deterministic, subject_.order(), "",
                                    fmt::format("two calls of f with the same inputs {} gave {}; f must not "
                                                "draw fresh random numbers or keep a state",
                                                when, text)});
    return false;
}

template <class T>
bool Examination<T>::evaluate_center() {
    subject_.evaluate(center_);
    return is_same_again("in a row");
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
    const std::vector<double> cotangent = cotangent_for(center_.size(), report_.seed);
    auto differentiated = subject_.differentiate(cotangent);
    if (subject_.order() == 1 && !same_values(differentiated.results, center_) &&
        !(record_center() && is_finite()))
        return;
    if (subject_.order() == 2) compare_recorded(differentiated.results);
    if (subject_.order() == 1) report_.result_elements = center_.size();
    gradients_ = std::move(differentiated.gradients);
    differences_.emplace(subject_, cotangent, center_, options_);
    for (std::size_t k = 0; k < subject_.size(); ++k) check_input(k);
    if (!is_same_again("before and after others")) return;
    for (const Suspect& suspect : suspects_) {
        if (options_.diagnose)
            diagnose(suspect);
        else
            find(Diagnosis::unexplained, subject_.input(suspect.input).name,
                 "the gradient is wrong; in which way was not asked for");
    }
}

template <class T>
void Examination<T>::check_input(std::size_t k) {
    CheckedInput checked;
    checked.name = subject_.input(k).name;
    checked.shape = subject_.input(k).shape();
    checked.order = subject_.order();
    for (double element : gradients_[k]) checked.largest = std::max(checked.largest, std::abs(element));
    std::vector<CheckedElement> elements = compare(k, checked);
    if (!elements.empty() || checked.failed_directions != 0) {
        summarise(checked, elements);
        keep_worst(k, checked, elements);
        note_undecided(checked, elements);
        if (checked.wrong != 0) suspects_.push_back({k, std::move(elements)});
    }
    report_.inputs.push_back(std::move(checked));
}

/// Element by element if the input is small or directions fail; else nothing is returned.
template <class T>
std::vector<CheckedElement> Examination<T>::compare(std::size_t k, CheckedInput& checked) {
    const std::size_t size = gradients_[k].size();
    if (size <= options_.full_limit) return check_elements(k, size);
    if (directions_agree(k, checked)) return {};
    // One that crosses kinks sees half of each: without them it may agree.
    std::vector<CheckedElement> elements =
        check_elements(k, std::min(first_look, options_.elements_after_failure));
    const std::vector<bool> held = at_kinks(k, elements);
    if (!held.empty() && directions_agree(k, checked, held)) return elements;
    return check_elements(k, options_.elements_after_failure);
}

template <class T>
void Examination<T>::summarise(CheckedInput& checked, const std::vector<CheckedElement>& elements) {
    checked.compared = elements.size();
    double largest_numeric = 0;
    bool any_tells = false;
    for (const CheckedElement& one : elements) {
        checked.wrong += one.verdict == Verdict::wrong ? 1U : 0U;
        checked.undecided += one.verdict == Verdict::kink || one.verdict == Verdict::rounding ? 1U : 0U;
        checked.largest_deviation = std::max(checked.largest_deviation, std::abs(one.difference));
        largest_numeric = std::max(largest_numeric, std::abs(one.numeric));
        any_tells = any_tells || differences_->tells(one);
    }
    if (checked.wrong == 0 && checked.failed_directions != 0 && checked.compared < checked.shape.size())
        find(Diagnosis::unexplained, checked.name,
             fmt::format("{} of {} random directions disagree, but none of {} sampled elements does; "
                         "raise elements_after_failure",
                         checked.failed_directions, checked.directions, checked.compared));
    if (checked.largest == 0 && largest_numeric == 0 && subject_.order() == 1)
        report_.warnings.push_back(
            fmt::format("f does not depend on `{}`: its gradient is zero, by differences too", checked.name));
    else if (!any_tells && checked.directions == 0)
        warn_untold(checked);
}

template <class T>
bool Examination<T>::directions_agree(std::size_t k, CheckedInput& checked, const std::vector<bool>& held) {
    checked.directions = options_.directions;
    checked.failed_directions = 0;
    checked.worst_direction = 0;
    bool any_tells = false;
    for (std::size_t d = 0; d < options_.directions; ++d) {
        if (!differences_->agrees_along(k, gradients_[k], report_.seed + 1000 * k + d, held))
            ++checked.failed_directions;
        any_tells = any_tells || differences_->direction_tells();
        checked.worst_direction = std::max(checked.worst_direction, differences_->direction_deviation());
    }
    if (!any_tells && checked.failed_directions == 0) warn_untold(checked);
    return checked.failed_directions == 0;
}

/// Marks the elements that have the value of one at a kink: where it was 0, it is so at every 0. Empty
/// without any.
template <class T>
std::vector<bool> Examination<T>::at_kinks(std::size_t k, const std::vector<CheckedElement>& elements) {
    const std::span<T> x = subject_.elements(k);
    std::set<T> values;
    for (const CheckedElement& one : elements)
        if (one.verdict == Verdict::kink) values.insert(x[one.index]);
    if (values.empty()) return {};
    std::vector<bool> held(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) held[i] = values.count(x[i]) != 0;
    return held;
}

template <class T>
void Examination<T>::warn_untold(const CheckedInput& checked) {
    if (subject_.order() == 2) return;  // zero as often as not
    report_.warnings.push_back(fmt::format(
        "the gradient by `{}` could not be told: all of it is zero, lost in the tolerances, or at "
        "kinks; scale f's result, or move the input",
        checked.name));
}

/// All elements, or as many as are wanted.
template <class T>
std::vector<CheckedElement> Examination<T>::check_elements(std::size_t k, std::size_t most) {
    CheckRandom random(report_.seed + k);
    std::vector<CheckedElement> elements;
    std::vector<std::size_t> failing;
    for (std::size_t i : spread(gradients_[k].size(), most, random)) {
        elements.push_back(differences_->compare(k, i, gradients_[k][i]));
        if (elements.back().verdict != Verdict::right) failing.push_back(elements.size() - 1);
    }
    std::sort(failing.begin(), failing.end(),
              [&](std::size_t a, std::size_t b) { return excess_of(elements[a]) > excess_of(elements[b]); });
    std::size_t confirmed = 0;
    for (std::size_t c : failing) {
        if (confirmed == confirmed_enough) break;
        differences_->refine(elements[c], k, elements[c].index);
        confirmed += elements[c].verdict == Verdict::wrong ? 1U : 0U;
    }
    return elements;
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
                 "tape's value is between them",
                 kinks, elements.size()));
    if (const auto lost = count(Verdict::rounding); lost != 0)
        find(
            Diagnosis::rounding, checked.name,
            fmt::format("{} of {} elements cannot be told: the differences' error falls and rises again with "
                        "the step before it is small enough",
                        lost, elements.size()));
}

/// Returns what the options say of f's result, for those that it describes.
template <class T>
InputInfo Examination<T>::info_of_result(const Shape& shape) const {
    if (options_.result.axes.size() != shape.rank() || subject_.order() != 1) return {};
    return options_.result;
}

template <class T>
std::vector<Evidence::Extent> Examination<T>::extents() const {
    std::vector<Evidence::Extent> all;
    for (std::size_t k = 0; k < subject_.size(); ++k)
        add_extents(all, "`" + subject_.input(k).name + "`", subject_.input(k).shape(),
                    subject_.input(k).info);
    for (const Shape& shape : subject_.result_shapes())
        add_extents(all, "`result`", shape, info_of_result(shape));
    std::stable_partition(all.begin(), all.end(), [](const Evidence::Extent& one) {
        return one.name.starts_with("the number of") || one.name.starts_with("the batch");
    });
    return all;
}

template <class T>
Evidence Examination<T>::evidence_of(const Suspect& suspect) {
    Evidence evidence;
    const std::size_t size = gradients_[suspect.input].size();
    evidence.shape = subject_.input(suspect.input).shape();
    evidence.info = subject_.input(suspect.input).info;
    evidence.tape = gradients_[suspect.input];
    const std::span<T> values = subject_.elements(suspect.input);
    evidence.values.assign(values.begin(), values.end());
    evidence.numeric.assign(size, 0);
    evidence.tolerance.assign(size, -1);
    for (const CheckedElement& one : suspect.elements) {
        evidence.numeric[one.index] = one.numeric;
        const bool is_known = one.verdict == Verdict::right || one.verdict == Verdict::wrong;
        if (is_known && std::isfinite(one.numeric)) evidence.tolerance[one.index] = one.tolerance;
    }
    for (const Shape& shape : subject_.result_shapes())
        evidence.results.push_back({shape, info_of_result(shape)});
    evidence.cotangent = differences_->cotangent();
    evidence.extents = extents();
    add_others(evidence, suspect);
    if (suspect.elements.size() == size) add_jacobian(evidence, suspect.input);
    return evidence;
}

template <class T>
void Examination<T>::add_others(Evidence& evidence, const Suspect& suspect) const {
    for (const Suspect& other : suspects_) {
        const std::size_t size = gradients_[other.input].size();
        if (other.input == suspect.input || other.elements.size() != size || size < 2 ||
            subject_.input(other.input).shape() != evidence.shape)
            continue;
        std::vector<double> numeric(size);
        for (const CheckedElement& one : other.elements) numeric[one.index] = one.numeric;
        evidence.others.push_back({subject_.input(other.input).name, std::move(numeric)});
    }
}

template <class T>
void Examination<T>::add_jacobian(Evidence& evidence, std::size_t k) {
    const std::size_t size = evidence.tape.size();
    if (size > most_columns || size * center_.size() > largest_jacobian) return;
    std::vector<double> column;
    evidence.jacobian.reserve(size * center_.size());
    for (std::size_t i = 0; i < size; ++i) {
        differences_->column(k, i, column);
        evidence.jacobian.insert(evidence.jacobian.end(), column.begin(), column.end());
    }
}

template <class T>
void Examination<T>::diagnose(const Suspect& suspect) {
    const Evidence evidence = evidence_of(suspect);
    std::optional<Diagnosed> explanation = diagnosed(evidence);
    double failing = 0;
    for (const CheckedElement& one : suspect.elements)
        if (one.verdict == Verdict::wrong)
            failing = std::max(
                failing, std::abs(one.difference) / std::max(std::abs(one.tape), std::abs(one.numeric)));
    const std::optional<Located> located = locate(subject_, *differences_, suspect.input, failing);
    if (located.has_value()) prefer(explanation, *located);
    const bool rules_are_right = located.has_value() && !located->rule.has_value();
    if (!explanation.has_value())
        explanation =
            rules_are_right
                ? Diagnosed{Diagnosis::detached, "some ways from the input to the result are cut"}
                : Diagnosed{Diagnosis::unexplained, "the gradient is wrong, in no way that has a name"};
    Finding finding{explanation->diagnosis, subject_.order(), subject_.input(suspect.input).name,
                    explanation->text, explanation->factor};
    if (located.has_value()) finding.rule = located->rule;
    if (rules_are_right)
        finding.text += fmt::format(
            "; every recorded rule on the way is right, so a value is used outside the recording{}",
            located->detached.empty() ? ", such as value() or item()" : ": " + located->detached);
    report_.findings.push_back(std::move(finding));
}

}  // namespace

template <class T>
void examine(GradientReport& report, Subject<T>& subject, const CheckOptions& options) {
    Examination<T>(report, subject, options).run();
}

template void examine(GradientReport&, Subject<float>&, const CheckOptions&);
template void examine(GradientReport&, Subject<double>&, const CheckOptions&);

}  // namespace tapeloop::detail
