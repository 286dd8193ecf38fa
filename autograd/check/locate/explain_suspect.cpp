#include <fmt/format.h>
#include <autograd/check/locate/explain_suspect.hpp>
#include <autograd/check/locate/locate.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::detail {
namespace {

// The largest Jacobian that is computed for a diagnosis, in elements, and the most rows it may have.
constexpr std::size_t largest_jacobian = 4'000'000;
constexpr std::size_t most_columns = 4'000;

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

}  // namespace

/// Returns what the options say of f's result, for those that it describes.
template <class T>
InputInfo SuspectExplainer<T>::info_of_result(const Shape& shape) const {
    if (options_.result.axes.size() != shape.rank() || subject_.order() != 1) return {};
    return options_.result;
}

template <class T>
std::vector<Evidence::Extent> SuspectExplainer<T>::extents() const {
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
Evidence SuspectExplainer<T>::evidence_of(const Suspect& suspect) {
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
    evidence.cotangent = differences_.cotangent();
    evidence.extents = extents();
    add_others(evidence, suspect);
    if (suspect.elements.size() == size) add_jacobian(evidence, suspect.input);
    return evidence;
}

template <class T>
void SuspectExplainer<T>::add_others(Evidence& evidence, const Suspect& suspect) const {
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
void SuspectExplainer<T>::add_jacobian(Evidence& evidence, std::size_t k) {
    const std::size_t size = evidence.tape.size();
    if (size > most_columns || size * differences_.cotangent().size() > largest_jacobian) return;
    std::vector<double> column;
    evidence.jacobian.reserve(size * differences_.cotangent().size());
    for (std::size_t i = 0; i < size; ++i) {
        differences_.column(k, i, column);
        evidence.jacobian.insert(evidence.jacobian.end(), column.begin(), column.end());
    }
}

template <class T>
Finding SuspectExplainer<T>::explained(const Suspect& suspect) {
    const Evidence evidence = evidence_of(suspect);
    std::optional<Diagnosed> explanation = diagnosed(evidence);
    double failing = 0;
    for (const CheckedElement& one : suspect.elements)
        if (one.verdict == Verdict::wrong)
            failing = std::max(
                failing, std::abs(one.difference) / std::max(std::abs(one.tape), std::abs(one.numeric)));
    const std::optional<Located> located = locate(subject_, differences_, suspect.input, failing);
    if (located.has_value()) prefer(explanation, *located);
    const bool is_found = located.has_value() && located->rule.has_value();
    const bool is_recorded_rule = !is_found && subject_.order() == 2 && recorded_rule().has_value();
    const bool rules_are_right = located.has_value() && !is_found && !is_recorded_rule;
    if (!explanation.has_value())
        explanation =
            rules_are_right
                ? Diagnosed{Diagnosis::detached, "some ways from the input to the result are cut"}
                : Diagnosed{Diagnosis::unexplained, "the gradient is wrong, in no way that has a name"};
    Finding finding{explanation->diagnosis, subject_.order(), subject_.input(suspect.input).name,
                    explanation->text, explanation->factor};
    if (is_found) finding.rule = located->rule;
    if (is_recorded_rule) {
        finding.rule = recorded_rule()->rule;
        finding.text += "; " + recorded_rule()->text;
    }
    if (rules_are_right)
        finding.text += fmt::format(
            "; every recorded rule on the way is right, so a value is used outside the recording{}",
            located->detached.empty() ? ", such as value() or item()" : ": " + located->detached);
    return finding;
}

template <class T>
const std::optional<LocatedRule>& SuspectExplainer<T>::recorded_rule() {
    if (!recorded_rule_.has_value()) recorded_rule_ = locate_recorded_rule(subject_, differences_);
    return *recorded_rule_;
}

template class SuspectExplainer<float>;
template class SuspectExplainer<double>;

}  // namespace tapeloop::detail
