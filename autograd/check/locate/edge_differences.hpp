#pragma once

#include <autograd/check/judge/differences.hpp>
#include <autograd/check/locate/edge.hpp>

/// This file takes differences of one operation, by one of its arguments.
namespace tapeloop::detail {

/// <a, b>
double sum_of_products(const std::vector<double>& a, const std::vector<double>& b);
/// The root of the sum of the squared products of their elements.
double length_of_products(const std::vector<double>& a, const std::vector<double>& b);

/// The argument is moved where it lies in the tape's memory, just while the operation computes.
template <class T>
class EdgeDifferences {
  public:
    EdgeDifferences(Subject<T>& subject, double epsilon) : subject_(subject), epsilon_(epsilon) {}

    /// (f(x + step) - f(x - step)) / 2, element by element; empty if the operation is not met again.
    std::vector<double> change(const Edge& edge, std::vector<double> step);
    /// Returns the largest that rounding can do to <cotangent, the last change>.
    double rounding() const { return rounding_; }
    /// Returns the largest effect of a kink between x - step and x + step on the last change, which was by
    /// this step.
    std::optional<double> bend(const Edge& edge);

  private:
    std::vector<double> moved(const Edge& edge, const std::vector<double>& step);

    Subject<T>& subject_;
    double epsilon_;
    double rounding_ = 0;
    std::vector<double> middle_;  ///< (f(x + step) + f(x - step)) / 2 of the last change
};

extern template class EdgeDifferences<float>;
extern template class EdgeDifferences<double>;

}  // namespace tapeloop::detail
