#pragma once

#include <autograd/check/report.hpp>
#include <autograd/check/subject.hpp>

#include <limits>

/// This file takes central differences, and judges them.
namespace tapeloop::detail {

/// The options with their defaults filled in.
struct Tolerances {
    double relative;
    double absolute;
    double step;
    double epsilon;

    template <class T>
    static Tolerances of(const CheckOptions& options);
};

/// Slopes of <cotangent, results> by one element.
struct Slopes {
    double central = 0;
    double below = 0;
    double above = 0;
    double step = 0;
};

template <class T>
class Differences {
  public:
    /// `center` is what the subject gives where it is.
    Differences(Subject<T>& subject, std::vector<double> cotangent, std::vector<double> center,
                const CheckOptions& options);

    const std::vector<double>& cotangent() const { return cotangent_; }
    const Tolerances& tolerances() const { return tolerances_; }

    /// The step for an element of this value, a power of two.
    double step_for(double x) const;
    /// Returns the largest change of a slope by rounding of the results.
    double rounding(double step) const { return rounding_ / step; }

    Slopes slopes(std::size_t input, std::size_t element, double step);
    /// The differences of all results by one element, over the step: a column of the Jacobian.
    void column(std::size_t input, std::size_t element, std::vector<double>& column);

    /// Compares the tape's value with differences, and where they disagree with those of other steps.
    CheckedElement judge(std::size_t input, std::size_t element, double tape);
    /// Compares an element without trying other steps.
    CheckedElement compare(std::size_t input, std::size_t element, double tape);
    void refine(CheckedElement& checked, std::size_t input, std::size_t element);

    /// Returns whether the gradient by an input agrees with differences along one random direction, over all
    /// of its elements but those that are `held` still; a smaller step is tried where it does not. `held` is
    /// empty, or has an entry per element.
    bool agrees_along(std::size_t input, const std::vector<double>& gradient, std::uint64_t seed,
                      const std::vector<bool>& held);
    /// Returns whether the last direction could have shown a mistake: it is not lost in the tolerance.
    bool direction_tells() const { return direction_tells_; }
    /// Returns the distance of its difference from the gradient's, relative to what both sum.
    double direction_deviation() const { return direction_deviation_; }
    /// Returns whether an element could have shown a mistake.
    bool tells(const CheckedElement& checked) const;

    /// Sets `tolerance`, `rule`, `difference` and, if the values agree, the verdict.
    void weigh(CheckedElement& checked) const;

  private:
    double project(const std::vector<double>& plus, const std::vector<double>& minus) const;
    double choose_step(CheckedElement& checked, bool without_zeros) const;
    bool is_rounded_away(CheckedElement& checked) const;
    Verdict verdict_of(const CheckedElement& checked, double uncertainty) const;
    bool agrees_along(std::size_t input, const std::vector<double>& gradient,
                      const std::vector<double>& direction, double part_of_step);
    bool is_kink(const CheckedElement& checked) const;

    Subject<T>& subject_;
    std::vector<double> cotangent_;
    std::vector<double> center_;
    Tolerances tolerances_;
    double rounding_ = 0;
    std::vector<double> plus_;
    std::vector<double> minus_;
    bool direction_tells_ = true;
    double direction_deviation_ = 0;
};

extern template class Differences<float>;
extern template class Differences<double>;

/// The position of the element `index` in a tensor.
std::vector<std::size_t> position_of(std::size_t index, const Shape& shape);

}  // namespace tapeloop::detail
