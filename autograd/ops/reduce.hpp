#pragma once

#include <autograd/var.hpp>

#include <array>
#include <initializer_list>

/// Reductions over any set of axes. `axes` may be one axis, a list or nothing, which means all of them;
/// negative axes count from the end. The result lacks the reduced axes, or has them with extent 1 if
/// `keepdims`. An axis out of range or named twice throws `std::invalid_argument`, and so does a mean,
/// variance, max or min over no elements.
///
/// Long sums are taken pairwise. Means, variances and norms neither overflow nor underflow where their result
/// is in range, whatever the sums and squares on the way are.
namespace tapeloop {

/// A set of axes; empty means all.
class Axes {
  public:
    Axes() = default;
    /// Makes a set of one axis; a negative one counts from the end.
    Axes(int axis) : Axes({axis}) {}
    /// Makes a set of several axes, `{0, -1}`; none means all. Throws `std::invalid_argument` for more than a
    /// tensor can have.
    Axes(std::initializer_list<int> axes);

    /// Returns a mask with bit i set for axis i of a tensor with `rank` axes. Throws naming `operation`.
    std::uint32_t mask(std::string_view operation, std::size_t rank) const;
    /// `axis 1`, `axes 0, 2`; empty for all.
    std::string text() const;

  private:
    std::array<std::int8_t, Shape::max_rank> axes_{};
    std::uint8_t count_ = 0;
};

/// The sum over the axes.
Var<float> sum(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> sum(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// The mean over the axes. Throws `std::invalid_argument` for a mean of no elements.
Var<float> mean(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> mean(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// The greatest element over the axes. Equal maxima share the cotangent evenly. NaN if there is one.
Var<float> max(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> max(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// The smallest element over the axes; ties and NaN as of `max`.
Var<float> min(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> min(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// The mean squared distance from the mean (of the population: divided by n), of which digits are right
/// however far the mean is from 0.
Var<float> variance(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> variance(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// The Euclidean norm; its gradient at 0 is 0.
Var<float> norm(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> norm(const Operand<double>& x, Axes axes = {}, bool keepdims = false);
/// log of the sum of e^x without overflow. Of nothing but -inf it is -inf, with gradient 0; with +inf among
/// the elements it is +inf, and these share the gradient evenly.
Var<float> logsumexp(const Operand<float>& x, Axes axes = {}, bool keepdims = false);
Var<double> logsumexp(const Operand<double>& x, Axes axes = {}, bool keepdims = false);

/// e^x over its sum along `axis`; the result has x's shape. Where there is +inf, such elements share 1
/// evenly, and the others are 0; where there is nothing but -inf, all are NaN.
Var<float> softmax(const Operand<float>& x, int axis = -1);
Var<double> softmax(const Operand<double>& x, int axis = -1);
/// log(softmax(x)) along `axis`, without its underflow; the result has x's shape.
Var<float> log_softmax(const Operand<float>& x, int axis = -1);
Var<double> log_softmax(const Operand<double>& x, int axis = -1);

/// The sum over the axes along which `shape` would broadcast to x's: what undoes a broadcast.
Var<float> sum_to(const Operand<float>& x, const Shape& shape);
Var<double> sum_to(const Operand<double>& x, const Shape& shape);

}  // namespace tapeloop
