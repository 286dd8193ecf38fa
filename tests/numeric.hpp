#pragma once

#include <autograd/tensor.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// This file has what tests compute with instead of the engine: plain loops over elements, random numbers,
/// differences.
namespace tapeloop::test {

using Tensors = std::vector<Tensor<double>>;
using Position = std::vector<std::size_t>;

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// Numbers that are the same on every machine.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    explicit Random(std::string_view name);

    /// Returns a number in [low, high).
    double uniform(double low, double high);
    /// Returns a number in 0 .. bound - 1.
    std::size_t below(std::size_t bound);
    Tensor<double> tensor(const Shape& shape, double low = -1, double high = 1);

  private:
    std::uint64_t next();
    std::uint64_t state_;
};

/// A tensor whose element at each position is what `f` gives.
Tensor<double> generate(const Shape& shape, const std::function<double(const Position&)>& f);
double at(const Tensor<double>& x, const Position& position);
/// Repeated to `shape` by NumPy's rule.
Tensor<double> repeated(const Tensor<double>& x, const Shape& shape);
/// The shape to which all of these broadcast.
Shape joint_shape(const Tensors& x);
/// Returns what lies at begin .. begin + count - 1 along an axis.
Tensor<double> part_of(const Tensor<double>& x, std::size_t axis, std::size_t begin, std::size_t count);

Tensor<double> each(const Tensor<double>& x, const std::function<double(double)>& f);
Tensor<double> each(const Tensor<double>& a, const Tensor<double>& b,
                    const std::function<double(double, double)>& f);
Tensor<double> each(const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& c,
                    const std::function<double(double, double, double)>& f);

/// The sum over all elements of all tensors of x times y.
double inner(const Tensors& x, const Tensors& y);
/// x + amount direction.
Tensors moved(const Tensors& x, const Tensors& direction, double amount);

/// The derivative of f by each element of x[argument]: differences over five points, exact up to terms of
/// h^4.
Tensor<double> derivative(const std::function<double(const Tensors&)>& f, Tensors x, std::size_t argument);
/// The derivative of each result of f along `direction`.
Tensors derivative_along(const std::function<Tensors(const Tensors&)>& f, const Tensors& x,
                         const Tensors& direction);

/// Says what is wrong with `actual`; empty if every element is within `tolerance` of `expected`: relative to
/// it, to a hundredth of the largest, and to `least`. NaN equals NaN and inf inf.
std::string difference(const Tensor<double>& actual, const Tensor<double>& expected, double tolerance,
                       double least = 1e-3);
/// Says what is wrong, compared to the last bit.
std::string difference_in_bits(const Tensor<double>& actual, const Tensor<double>& expected);

template <class T>
Tensor<double> as_double(const Tensor<T>& x) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(shape_of(x));
    for (std::size_t i = 0; i < x.size(); ++i) result.data()[i] = static_cast<double>(x.data()[i]);
    return result;
}
template <class T>
Tensor<T> rounded(const Tensor<double>& x) {
    Tensor<T> result = tapeloop::detail::uninitialised<T>(shape_of(x));
    for (std::size_t i = 0; i < x.size(); ++i) result.data()[i] = static_cast<T>(x.data()[i]);
    return result;
}

/// A tensor of these elements, in order.
Tensor<double> tensor(const Shape& shape, std::vector<double> elements);
Tensor<double> vector(std::vector<double> elements);
Tensor<double> filled(const Shape& shape, double value);

}  // namespace tapeloop::test
