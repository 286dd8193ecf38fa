#include <autograd/check/judge/input_comparison.hpp>
#include <autograd/check/judge/random.hpp>
#include <autograd/kernels/as_double.hpp>
#include <nn/check/bptt/step_differences.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace tapeloop::nn::detail {
namespace {

using tapeloop::detail::CheckRandom;
using tapeloop::detail::Deadline;
using tapeloop::detail::Differences;
using tapeloop::detail::InputComparison;
using tapeloop::detail::Subject;

// Of large steps: the directions by each term, and the elements of one that is wrong all over.
constexpr std::size_t directions_of_step = 3;
constexpr std::size_t elements_of_wrong = 64;
constexpr double seconds_of_wrong = 10;
// So many elements may be computed to compare steps element by element: about a second.
constexpr double most_computed_by_steps = 300'000'000;
// Of a term that is wrong all over, so many elements are looked at with other steps.
constexpr std::size_t confirmed_of_term = 4;

template <class T>
std::vector<double> flat(const StepResults<T>& cotangents) {
    std::vector<double> list(cotangents.output.begin(), cotangents.output.end());
    for (const Tensor<T>& part : cotangents.state) list.insert(list.end(), part.begin(), part.end());
    return list;
}

/// Divides by the largest magnitude, which it returns: a small cotangent must not slip below what a
/// difference can tell.
double normalise(std::vector<double>& cotangent) {
    double largest = 0;
    for (double element : cotangent) largest = std::max(largest, std::abs(element));
    if (largest == 0 || !std::isfinite(largest)) return 1;
    for (double& element : cotangent) element /= largest;
    return largest;
}

/// The terms of one step, as function and differences of it.
template <class T>
class OneStep {
  public:
    OneStep(const CellUnderCheck<T>& cell, const TermNames& names, const TapeRun<T>& tape, std::size_t t,
            std::uint64_t seed)
        : names_(names),
          function_(function_of_step(cell)),
          subject_(function_, inputs_of(cell, names, tape.points[t].x, tape.points[t].state), 1, seed),
          random_(seed + t),
          seed_(seed + t) {
        std::vector<double> cotangent = flat(tape.cotangents[t]);
        size_ = normalise(cotangent);
        std::vector<double> center;
        subject_.evaluate(center);
        differences_.emplace(subject_, cotangent, center, CheckOptions());
    }

    /// Compares elements of the term `k`, spread over it.
    Deviation by_elements(std::size_t k, const Tensor<double>& own, double scale, double limit,
                          std::size_t elements) {
        std::vector<CheckedElement> checked;
        for (std::size_t index : spread(own.size(), elements, random_))
            checked.push_back(differences_->compare(k, index, own.data()[index] / size_));
        return deviation_of(k, own, scale, limit, checked);
    }

    /// Compares along directions, and where one fails, elements.
    Deviation by_directions(std::size_t k, const Tensor<double>& own, double scale, double limit,
                            bool places) {
        std::vector<double> gradient(own.begin(), own.end());
        for (double& element : gradient) element /= size_;
        Deviation deviation = deviation_of(k, own, scale, limit, {});
        for (std::size_t d = 0; d < directions_of_step; ++d)
            note_along(deviation, k, gradient, limit, seed_ + 1000 * k + d);
        if (deviation.relative <= limit || !places) return deviation;

        CheckOptions options;
        options.elements_after_failure = elements_of_wrong;
        const Deadline deadline(seconds_of_wrong);
        InputComparison<T> comparison(subject_, *differences_, options, deadline, seed_);
        CheckedInput ignored;
        comparison.compare_along(k, gradient, ignored, directions_of_step);
        Deviation found = deviation_of(k, own, scale, limit, comparison.elements());
        return found.relative > limit ? found : deviation;
    }

  private:
    /// Notes the deviation along a direction, over the direction's length.
    void note_along(Deviation& deviation, std::size_t k, const std::vector<double>& gradient, double limit,
                    std::uint64_t seed) {
        const std::vector<double> direction = tapeloop::detail::random_weights(gradient.size(), seed);
        CheckedElement one = differences_->compare_along(k, gradient, direction);
        const double length = length_of(k, direction);
        const auto relative = [&] { return std::abs(one.difference) * size_ / (length * deviation.scale); };
        if (!(relative() <= limit)) {
            if (one.verdict == Verdict::wrong) differences_->refine_along(one, k, direction);
            if (one.verdict != Verdict::wrong) return;
        }
        if (!(relative() > deviation.relative)) return;
        deviation.relative = relative();
        deviation.tape = one.tape * size_ / length;
        deviation.other = one.numeric * size_ / length;
    }

    double length_of(std::size_t k, const std::vector<double>& direction) {
        const std::span<T> x = subject_.elements(k);
        double squares = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double moved = direction[i] * differences_->step_for(static_cast<double>(x[i])) /
                                 differences_->tolerances().step;
            squares += moved * moved;
        }
        return std::sqrt(squares);
    }

    Deviation deviation_of(std::size_t k, const Tensor<double>& own, double scale, double limit,
                           std::vector<CheckedElement> checked) {
        double largest = nn::detail::largest_of(own);
        for (const CheckedElement& one : checked) largest = std::max(largest, size_ * std::abs(one.numeric));
        Deviation deviation{
            names_.names[k], shape_of(own), 0, largest, std::max(largest, scale), 0, {}, 0, 0};
        std::stable_sort(checked.begin(), checked.end(), [](const auto& a, const auto& b) {
            return tapeloop::detail::excess_of(a) > tapeloop::detail::excess_of(b);
        });
        std::size_t confirmed = 0;
        for (CheckedElement& one : checked) {
            bool is_right = false;
            if (!(std::abs(one.difference) * size_ <= limit * deviation.scale)) {
                // The largest are enough: no other is named.
                if (confirmed < confirmed_of_term && one.sweep.empty())
                    differences_->refine(one, k, one.index);
                is_right = one.verdict != Verdict::wrong;
                confirmed += is_right ? 0U : 1U;
            }
            deviation.note(one.index, own.data()[one.index],
                           is_right ? own.data()[one.index] : size_ * one.numeric);
        }
        return deviation;
    }

    const TermNames& names_;
    CheckFunction<T> function_;
    Subject<T> subject_;
    std::optional<Differences<T>> differences_;
    CheckRandom random_;
    std::uint64_t seed_;
    double size_ = 1;  ///< by which the cotangents are divided
};

}  // namespace

template <class T>
StepDifferences<T>::StepDifferences(const CellUnderCheck<T>& cell, const TermNames& names,
                                    const TapeRun<T>& tape, double limit, std::size_t elements,
                                    std::uint64_t seed)
    : cell_(cell), names_(names), tape_(tape), limit_(limit), elements_(elements), seed_(seed) {
    double compared = 0;
    for (const Tensor<T>* term : listed(tape.terms.front()))
        compared += static_cast<double>(std::min(term->size(), elements));
    const auto computed = static_cast<double>(LoneStep<T>(cell, tape.points.front()).computed());
    const auto steps = static_cast<double>(tape.points.size());
    is_large_ = 2 * compared * computed * steps > most_computed_by_steps;
}

template <class T>
std::vector<Deviation> StepDifferences<T>::of_step(std::size_t t, const Summands& summands,
                                                   bool places) const {
    OneStep<T> step(cell_, names_, tape_, t, seed_);
    const auto terms = listed(tape_.terms[t]);
    const std::vector<double> scales = in_one_list(summands);
    std::vector<Deviation> list;
    for (std::size_t k = 0; k < terms.size(); ++k) {
        const Tensor<double> own = as_double(*terms[k]);
        const bool is_along = is_large_ && own.size() > directions_of_step;
        list.push_back(is_along ? step.by_directions(k, own, scales[k], limit_, places)
                                : step.by_elements(k, own, scales[k], limit_, elements_));
    }
    return list;
}

template class StepDifferences<float>;
template class StepDifferences<double>;

}  // namespace tapeloop::nn::detail
