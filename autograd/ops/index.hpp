#pragma once

#include <autograd/var.hpp>

#include <functional>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <span>
#include <vector>

/// Operations that pick elements by integers. Positions count from 0; one out of range throws
/// `std::invalid_argument` before anything is recorded. A position that is named several times gets as many
/// contributions.
namespace tapeloop {

/// A tensor of positions: `{2, 0, 2}`, a container of integers, or an xtensor expression of integers, whose
/// shape it keeps. A list has one axis; `reshaped` gives it more. A `Program` knows it by its copies: what
/// was recorded with them can be given other positions.
class Indices {
  public:
    /// Makes a list of positions, with one axis.
    Indices(std::initializer_list<std::ptrdiff_t> list)
        : values_(std::make_shared<const Values>(list)), shape_{list.size()} {}
    /// Takes the positions of a container, or of an xtensor expression with its shape.
    template <class Range>
    requires(std::ranges::input_range<const Range>&& std::integral<std::ranges::range_value_t<const Range>>)
        Indices(const Range& range) {
        Values values;
        for (auto value : range) values.push_back(static_cast<std::ptrdiff_t>(value));
        if constexpr (detail::TensorExpression<Range>)
            shape_ = Shape::of(range.shape());
        else
            shape_ = {values.size()};
        values_ = std::make_shared<const Values>(std::move(values));
    }

    /// A function that makes positions of others.
    using Follow = std::function<std::vector<std::ptrdiff_t>(std::span<const std::ptrdiff_t> others)>;
    /// Makes positions that follow from others: a `Program` that gives the others anew gives these what
    /// `follow` makes of them, of the same shape.
    Indices(const Indices& others, const Shape& shape, Follow follow);

    /// Returns the same positions under another shape. Throws `std::invalid_argument` unless the sizes are
    /// equal.
    Indices reshaped(const Shape& shape) const;
    /// Returns what these are when what all copies share is given other positions.
    Indices renewed(std::span<const std::ptrdiff_t> positions) const;

    /// Returns the positions in row-major order.
    const std::vector<std::ptrdiff_t>& values() const { return *values_; }
    /// Returns the shape of the tensor of positions.
    const Shape& shape() const { return shape_; }
    /// Returns what all copies share, and nothing else.
    std::shared_ptr<const void> identity() const { return follow_ == nullptr ? values_ : others_; }

  private:
    using Values = std::vector<std::ptrdiff_t>;
    std::shared_ptr<const Values> values_;
    Shape shape_;
    std::shared_ptr<const Follow> follow_;  ///< if they follow from others,
    std::shared_ptr<const void> others_;    ///< which are these
};

/// Picks rows of a table, [N, ..D] -> [..indices, ..D]: an embedding. Throws unless 0 <= index < N.
Var<float> gather_rows(const Operand<float>& table, const Indices& indices);
Var<double> gather_rows(const Operand<double>& table, const Indices& indices);
/// `target` [N, ..D] with the rows of `source` [..indices, ..D] added at `indices`; those named several times
/// add up. Throws unless 0 <= index < N and the shapes fit.
Var<float> scatter_add(const Operand<float>& target, const Indices& indices, const Operand<float>& source);
Var<double> scatter_add(const Operand<double>& target, const Indices& indices, const Operand<double>& source);
/// Returns along `axis`, for each position of `indices`, the element of x that it names, as NumPy's
/// take_along_axis: x and `indices` have equally many axes, and all but `axis` broadcast. With x [B, N],
/// indices [B, 1] and axis 1 the result is [B, 1]: one element of each row.
Var<float> take_along(const Operand<float>& x, const Indices& indices, int axis);
Var<double> take_along(const Operand<double>& x, const Indices& indices, int axis);

/// Zeros [..indices, n] with a 1 where each index says. Throws unless 0 <= index < n.
template <class T>
Tensor<T> one_hot(const Indices& indices, std::size_t n);

// The same of arrays, at once, for rules. They refer to `indices`.

template <class T>
Array<T> gather_rows(const Array<T>& table, const Indices& indices);
template <class T>
Array<T> scatter_add(const Array<T>& target, const Indices& indices, const Array<T>& source);
template <class T>
Array<T> take_along(const Array<T>& x, const Indices& indices, int axis);

}  // namespace tapeloop
