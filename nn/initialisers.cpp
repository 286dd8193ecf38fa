#include <fmt/format.h>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace tapeloop::nn {

using namespace tapeloop::detail;

namespace {

void require_matrix(std::string_view name, const Shape& shape) {
    if (shape.rank() != 2)
        throw std::invalid_argument(
            fmt::format("{}: shape is {}; it must be that of a matrix, [rows, columns]", name, shape.text()));
}

template <class T, class Draw>
Tensor<T> tensor_of(const Shape& shape, const Draw& draw) {
    Tensor<T> tensor = uninitialised<T>(shape);
    std::generate_n(tensor.data(), tensor.size(), [&] { return static_cast<T>(draw()); });
    return tensor;
}

// The T nearest to x that is in [low, high), as x is: rounding can leave it on either side.
template <class T>
T rounded_within(double x, double low, double high) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    T rounded = static_cast<T>(x);
    if (rounded >= high) rounded = std::nextafter(rounded, -infinity);
    if (rounded < low) rounded = std::nextafter(rounded, infinity);
    return rounded;
}

double fan_in_of(std::string_view name, const Shape& shape) {
    require_matrix(name, shape);
    return static_cast<double>(shape[0]);
}

using Vector = std::vector<double>;

double product(const Vector& a, const Vector& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

// Makes `v` orthogonal to the earlier vectors, and of length 1. A second round removes what rounding left.
void orthonormalise(Vector& v, const std::vector<Vector>& earlier) {
    for (int round = 0; round < 2; ++round)
        for (const Vector& other : earlier) {
            const double along = product(v, other);
            for (std::size_t i = 0; i < v.size(); ++i) v[i] -= along * other[i];
        }
    const double length = std::sqrt(product(v, v));
    for (double& element : v) element /= length;
}

std::vector<Vector> orthonormal_vectors(std::size_t count, std::size_t size, Generator& generator) {
    std::vector<Vector> vectors;
    vectors.reserve(count);
    for (std::size_t k = 0; k < count; ++k) {
        Vector v(size);
        for (double& element : v) element = generator.normal();
        orthonormalise(v, vectors);
        vectors.push_back(std::move(v));
    }
    return vectors;
}

}  // namespace

template <class T>
Tensor<T> constant(const Shape& shape, double value) {
    return tensor_of<T>(shape, [value] { return value; });
}

template <class T>
Tensor<T> ones(const Shape& shape) {
    return constant<T>(shape, 1);
}

template <class T>
Tensor<T> zeros(const Shape& shape) {
    return tapeloop::detail::zeros<T>(shape);
}

template <class T>
Tensor<T> identity(std::size_t n, double scale) {
    Tensor<T> tensor = zeros<T>({n, n});
    for (std::size_t i = 0; i < n; ++i) tensor.data()[i * n + i] = static_cast<T>(scale);
    return tensor;
}

template <class T>
Tensor<T> uniform(const Shape& shape, double low, double high, Generator& generator) {
    return tensor_of<T>(shape, [&] { return rounded_within<T>(generator.uniform(low, high), low, high); });
}

template <class T>
Tensor<T> normal(const Shape& shape, double mean, double deviation, Generator& generator) {
    return tensor_of<T>(shape, [&] { return mean + deviation * generator.normal(); });
}

template <class T>
Tensor<T> xavier_uniform(const Shape& shape, Generator& generator, double gain) {
    require_matrix("xavier_uniform", shape);
    const double bound = gain * std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
    return uniform<T>(shape, -bound, bound, generator);
}

template <class T>
Tensor<T> xavier_normal(const Shape& shape, Generator& generator, double gain) {
    require_matrix("xavier_normal", shape);
    return normal<T>(shape, 0, gain * std::sqrt(2.0 / static_cast<double>(shape[0] + shape[1])), generator);
}

template <class T>
Tensor<T> he_uniform(const Shape& shape, Generator& generator, double gain) {
    const double bound = gain * std::sqrt(6.0 / fan_in_of("he_uniform", shape));
    return shape.size() == 0 ? zeros<T>(shape) : uniform<T>(shape, -bound, bound, generator);
}

template <class T>
Tensor<T> he_normal(const Shape& shape, Generator& generator, double gain) {
    return normal<T>(shape, 0, gain * std::sqrt(2.0 / fan_in_of("he_normal", shape)), generator);
}

template <class T>
Tensor<T> orthogonal(const Shape& shape, Generator& generator, double gain) {
    require_matrix("orthogonal", shape);
    const std::size_t rows = shape[0];
    const std::size_t columns = shape[1];
    const bool by_rows = rows <= columns;
    const std::vector<Vector> vectors =
        orthonormal_vectors(std::min(rows, columns), std::max(rows, columns), generator);
    Tensor<T> tensor = uninitialised<T>(shape);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j)
            tensor.data()[i * columns + j] = static_cast<T>(gain * (by_rows ? vectors[i][j] : vectors[j][i]));
    return tensor;
}

#define TAPELOOP_INITIALISERS(T)                                          \
    template Tensor<T> zeros(const Shape&);                               \
    template Tensor<T> ones(const Shape&);                                \
    template Tensor<T> identity(std::size_t, double);                     \
    template Tensor<T> uniform(const Shape&, double, double, Generator&); \
    template Tensor<T> normal(const Shape&, double, double, Generator&);  \
    template Tensor<T> xavier_uniform(const Shape&, Generator&, double);  \
    template Tensor<T> xavier_normal(const Shape&, Generator&, double);   \
    template Tensor<T> constant(const Shape&, double);                    \
    template Tensor<T> he_uniform(const Shape&, Generator&, double);      \
    template Tensor<T> he_normal(const Shape&, Generator&, double);       \
    template Tensor<T> orthogonal(const Shape&, Generator&, double);

TAPELOOP_INITIALISERS(float)
TAPELOOP_INITIALISERS(double)

#undef TAPELOOP_INITIALISERS

}  // namespace tapeloop::nn
