#include <fmt/format.h>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/linear/selective_ssm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>

#include <cmath>
#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<SelectiveSsmCell<float>>);

namespace {

void require_ssm_sizes(std::size_t input_size, std::size_t state_size) {
    if (input_size == 0 || state_size == 0)
        throw std::invalid_argument(
            fmt::format("SelectiveSsmCell: input_size is {} and state_size {}; both must be at least 1",
                        input_size, state_size));
    require_sizes("SelectiveSsmCell", input_size, state_size);  // that they are no negative numbers
}

void require_steps(const SelectiveSsmOptions& options) {
    const auto [rank, smallest, largest] = options;
    if (smallest > 0 && smallest <= largest && std::isfinite(largest)) return;
    throw std::invalid_argument(fmt::format(
        "SelectiveSsmCell: smallest_step is {} and largest_step {}; they must be positive, finite "
        "and in this order",
        smallest, largest));
}

/// The bias with which softplus gives a step, for each of n channels.
template <class T>
Tensor<T> biases_of_steps(std::size_t n, const SelectiveSsmOptions& options, Generator& generator) {
    Tensor<T> bias = zeros<T>({n});
    for (T& element : bias) {
        const double step =
            std::exp(generator.uniform(std::log(options.smallest_step), std::log(options.largest_step)));
        element = static_cast<T>(step + std::log(-std::expm1(-step)));
    }
    return bias;
}

template <class T>
Tensor<T> logarithms_of_counts(std::size_t rows, std::size_t columns) {
    Tensor<T> logarithms = zeros<T>({rows, columns});
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t k = 0; k < columns; ++k)
            logarithms(row, k) = static_cast<T>(std::log(static_cast<double>(k + 1)));
    return logarithms;
}

/// The axes of `front` but its last, and `last` behind them.
Shape with_last_axes(const Shape& front, std::initializer_list<std::size_t> last) {
    Shape shape;
    for (std::size_t axis = 0; axis + 1 < front.rank(); ++axis) shape.append(front[axis]);
    for (const std::size_t extent : last) shape.append(extent);
    return shape;
}

}  // namespace

template <class T>
SelectiveSsmCell<T>::SelectiveSsmCell(std::size_t input_size, std::size_t state_size, Generator& generator,
                                      SelectiveSsmOptions options) {
    require_ssm_sizes(input_size, state_size);
    require_steps(options);
    const std::size_t rank = options.rank != 0 ? options.rank : (input_size + 15) / 16;
    const auto within = [&](const Shape& shape) {
        const double bound = 1 / std::sqrt(static_cast<double>(shape[0]));
        return uniform<T>(shape, -bound, bound, generator);
    };
    U = Parameter<T>("U", within({input_size, rank + 2 * state_size}));
    U_delta = Parameter<T>("U_delta", within({rank, input_size}));
    b_delta = Parameter<T>("b_delta", biases_of_steps<T>(input_size, options, generator));
    A_log = Parameter<T>("A_log", logarithms_of_counts<T>(input_size, state_size));
    D = Parameter<T>("D", ones<T>({input_size}));
}

template <class T>
Var<T> SelectiveSsmCell<T>::initial_state(std::size_t batch) const {
    return input(zeros<T>({batch, A_log.shape()[0] * A_log.shape()[1]}));
}

template <class T>
Var<T> SelectiveSsmCell<T>::prepare() const {
    return -exp(A_log);
}

template <class T>
std::array<Var<T>, 5> SelectiveSsmCell<T>::project(const Var<T>& x) const {
    const std::size_t N = A_log.shape()[1];
    const std::vector<Var<T>> parts = split(matmul(x, U), {U_delta.shape()[0], N, N}, -1);
    const Var<T> delta = softplus(affine(parts[0], U_delta, b_delta));
    return {delta, delta * x, parts[1], parts[2], D * x};
}

template <class T>
std::pair<Var<T>, Var<T>> SelectiveSsmCell<T>::coefficients(const std::array<Var<T>, 5>& u,
                                                            const Var<T>& A) const {
    const auto& [delta, fed, B, C, around] = u;
    const Var<T> decay =
        map([](auto step, auto rate) { return exp(step * rate); }, expand_dims(delta, -1), A);
    const Var<T> entering = expand_dims(fed, -1) * expand_dims(B, -2);
    const Shape flat = with_last_axes(delta.shape(), {A.shape().size()});
    return {reshape(decay, flat), reshape(entering, flat)};
}

template <class T>
Var<T> SelectiveSsmCell<T>::output(const std::array<Var<T>, 5>& u, const Var<T>& h) const {
    const auto& [delta, fed, B, C, around] = u;
    const Shape by_channel = with_last_axes(h.shape(), {A_log.shape()[0], A_log.shape()[1]});
    return sum(reshape(h, by_channel) * expand_dims(C, -2), {-1}) + around;
}

template struct SelectiveSsmCell<float>;
template struct SelectiveSsmCell<double>;

}  // namespace tapeloop::nn
