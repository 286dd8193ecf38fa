#include <tests/numeric.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace tapeloop::test {

Random::Random(std::string_view name) : state_(14695981039346656037ULL) {
    for (char letter : name) state_ = (state_ ^ static_cast<unsigned char>(letter)) * 1099511628211ULL;
}

// splitmix64
std::uint64_t Random::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

double Random::uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(next() >> 11) * 0x1p-53);
}

std::size_t Random::below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

Tensor<double> Random::tensor(const Shape& shape, double low, double high) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(shape);
    for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = uniform(low, high);
    return result;
}

Tensor<double> generate(const Shape& shape, const std::function<double(const Position&)>& f) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(shape);
    Position position(shape.rank(), 0);
    for (std::size_t i = 0; i < result.size(); ++i) {
        result.data()[i] = f(position);
        for (std::size_t axis = shape.rank(); axis-- > 0;) {
            if (++position[axis] < shape[axis]) break;
            position[axis] = 0;
        }
    }
    return result;
}

double at(const Tensor<double>& x, const Position& position) {
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < position.size(); ++axis)
        offset = offset * x.shape()[axis] + position[axis];
    return x.data()[offset];
}

Tensor<double> repeated(const Tensor<double>& x, const Shape& shape) {
    const Shape own = shape_of(x);
    if (own == shape) return x;
    return generate(shape, [&](const Position& position) {
        Position here(own.rank());
        for (std::size_t axis = 0; axis < own.rank(); ++axis)
            here[axis] = own[axis] == 1 ? 0 : position[shape.rank() - own.rank() + axis];
        return at(x, here);
    });
}

Shape joint_shape(const Tensors& x) {
    Position reversed;
    for (const Tensor<double>& one : x) {
        const Shape own = shape_of(one);
        for (std::size_t back = 0; back < own.rank(); ++back) {
            if (back == reversed.size()) reversed.push_back(1);
            if (own[own.rank() - 1 - back] != 1) reversed[back] = own[own.rank() - 1 - back];
        }
    }
    std::reverse(reversed.begin(), reversed.end());
    return Shape::of(reversed);
}

Tensor<double> part_of(const Tensor<double>& x, std::size_t axis, std::size_t begin, std::size_t count) {
    return generate(shape_of(x).with(axis, count), [&](Position position) {
        position[axis] += begin;
        return at(x, position);
    });
}

Tensor<double> each(const Tensor<double>& x, const std::function<double(double)>& f) {
    Tensor<double> result = x;
    for (double& element : result) element = f(element);
    return result;
}

Tensor<double> each(const Tensor<double>& a, const Tensor<double>& b,
                    const std::function<double(double, double)>& f) {
    const Shape shape = joint_shape({a, b});
    Tensor<double> result = repeated(a, shape);
    const Tensor<double> second = repeated(b, shape);
    for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] = f(result.data()[i], second.data()[i]);
    return result;
}

Tensor<double> each(const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& c,
                    const std::function<double(double, double, double)>& f) {
    const Shape shape = joint_shape({a, b, c});
    Tensor<double> result = repeated(a, shape);
    const Tensor<double> second = repeated(b, shape);
    const Tensor<double> third = repeated(c, shape);
    for (std::size_t i = 0; i < result.size(); ++i)
        result.data()[i] = f(result.data()[i], second.data()[i], third.data()[i]);
    return result;
}

double inner(const Tensors& x, const Tensors& y) {
    double total = 0;
    for (std::size_t k = 0; k < x.size(); ++k)
        for (std::size_t i = 0; i < x[k].size(); ++i) total += x[k].data()[i] * y[k].data()[i];
    return total;
}

Tensors moved(const Tensors& x, const Tensors& direction, double amount) {
    Tensors result = x;
    for (std::size_t k = 0; k < x.size(); ++k)
        for (std::size_t i = 0; i < x[k].size(); ++i) result[k].data()[i] += amount * direction[k].data()[i];
    return result;
}

namespace {

// Five points: truncation h^4 and rounding 1e-16 / h are both around 1e-12.
constexpr double h = 1e-3;

double slope(double two_before, double before, double after, double two_after) {
    return (two_before - 8 * before + 8 * after - two_after) / (12 * h);
}

}  // namespace

Tensor<double> derivative(const std::function<double(const Tensors&)>& f, Tensors x, std::size_t argument) {
    Tensor<double> result = x[argument];
    for (std::size_t i = 0; i < result.size(); ++i) {
        double& element = x[argument].data()[i];
        const double here = element;
        const auto value = [&](double offset) {
            element = here + offset;
            return f(x);
        };
        result.data()[i] = slope(value(-2 * h), value(-h), value(h), value(2 * h));
        element = here;
    }
    return result;
}

Tensors derivative_along(const std::function<Tensors(const Tensors&)>& f, const Tensors& x,
                         const Tensors& direction) {
    const auto value = [&](double offset) { return f(moved(x, direction, offset)); };
    Tensors result = value(-2 * h);
    const Tensors before = value(-h);
    const Tensors after = value(h);
    const Tensors two_after = value(2 * h);
    for (std::size_t k = 0; k < result.size(); ++k)
        for (std::size_t i = 0; i < result[k].size(); ++i)
            result[k].data()[i] =
                slope(result[k].data()[i], before[k].data()[i], after[k].data()[i], two_after[k].data()[i]);
    return result;
}

namespace {

bool is_close(double actual, double expected, double margin) {
    if (std::isnan(expected)) return std::isnan(actual);
    if (std::isinf(expected)) return actual == expected;
    return std::abs(actual - expected) <= margin;
}

template <class Fits>
std::string first_difference(const Tensor<double>& actual, const Tensor<double>& expected, Fits&& fits) {
    if (shape_of(actual) != shape_of(expected))
        return fmt::format("it is {} and not {}", shape_of(actual).text(), shape_of(expected).text());
    for (std::size_t i = 0; i < actual.size(); ++i)
        if (!fits(actual.data()[i], expected.data()[i]))
            return fmt::format("element {} of {} is {} and not {}", i, shape_of(actual).text(),
                               actual.data()[i], expected.data()[i]);
    return "";
}

}  // namespace

std::string difference(const Tensor<double>& actual, const Tensor<double>& expected, double tolerance,
                       double least) {
    double largest = 0;
    for (double element : expected)
        if (std::isfinite(element)) largest = std::max(largest, std::abs(element));
    return first_difference(actual, expected, [&](double a, double e) {
        return is_close(a, e, tolerance * (std::abs(e) + largest / 100 + least));
    });
}

std::string difference_in_bits(const Tensor<double>& actual, const Tensor<double>& expected) {
    return first_difference(actual, expected, [](double a, double e) {
        return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(e);
    });
}

Tensor<double> tensor(const Shape& shape, std::vector<double> elements) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(shape);
    std::copy_n(elements.begin(), std::min(elements.size(), result.size()), result.data());
    return result;
}

Tensor<double> vector(std::vector<double> elements) {
    const Shape shape{elements.size()};
    return tensor(shape, std::move(elements));
}

Tensor<double> filled(const Shape& shape, double value) {
    Tensor<double> result = tapeloop::detail::uninitialised<double>(shape);
    std::fill_n(result.data(), result.size(), value);
    return result;
}

}  // namespace tapeloop::test
