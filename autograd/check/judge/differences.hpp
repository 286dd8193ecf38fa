#pragma once

#include <autograd/check/judge/slope_judge.hpp>
#include <autograd/check/judge/subject.hpp>

/// This file takes central differences, and judges them.
namespace tapeloop::detail {

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
    double rounding(double step) const { return judge_.rounding(step); }

    Slopes slopes(std::size_t input, std::size_t element, double step);
    /// The differences of all results by one element, over the step: a column of the Jacobian.
    void column(std::size_t input, std::size_t element, std::vector<double>& column);

    /// Compares an element without trying other steps.
    CheckedElement compare(std::size_t input, std::size_t element, double tape);
    /// Judges by differences of other steps as well.
    void refine(CheckedElement& checked, std::size_t input, std::size_t element);

    /// Compares the gradient by an input with differences along one direction: by how many steps each element
    /// moves, 0 for those that are held still. Its numbers are those of the sum.
    CheckedElement compare_along(std::size_t input, const std::vector<double>& gradient,
                                 const std::vector<double>& direction);
    void refine_along(CheckedElement& checked, std::size_t input, const std::vector<double>& direction);
    /// Returns whether an element could have shown a mistake.
    bool tells(const CheckedElement& checked) const;

  private:
    double project(const std::vector<double>& plus, const std::vector<double>& minus) const;
    /// Is told where the elements were moved to, and from where.
    using Moved = std::function<void(const std::vector<T>& there, const std::vector<T>& here)>;
    Slopes slopes_along(std::size_t input, const std::vector<double>& direction, double step,
                        const Moved& moved);

    Subject<T>& subject_;
    std::vector<double> cotangent_;
    std::vector<double> center_;
    Tolerances tolerances_;
    SlopeJudge judge_;
    std::vector<double> plus_;
    std::vector<double> minus_;
};

extern template class Differences<float>;
extern template class Differences<double>;

/// The position of the element `index` in a tensor.
std::vector<std::size_t> position_of(std::size_t index, const Shape& shape);

}  // namespace tapeloop::detail
