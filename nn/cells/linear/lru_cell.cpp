#include <fmt/format.h>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/linear/lru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/cell.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

static_assert(TrainableCell<LruCell<float>>);

namespace {

void require_lru_sizes(std::size_t input_size, std::size_t state_size) {
    if (input_size == 0 || state_size == 0)
        throw std::invalid_argument(fmt::format(
            "LruCell: input_size is {} and state_size {}; both must be at least 1", input_size, state_size));
    require_sizes("LruCell", input_size, state_size);  // that they are no negative numbers
}

void require_ring(const LruOptions& options) {
    const auto [smallest, largest, phase] = options;
    if (!(smallest >= 0 && smallest <= largest && largest <= 1 && largest > 0 && smallest < 1))
        throw std::invalid_argument(
            fmt::format("LruCell: smallest_radius is {} and largest_radius {}; they must be between 0 and 1, "
                        "in this order, and neither both 0 nor both 1",
                        smallest, largest));
    if (!(phase > 0 && std::isfinite(phase)))
        throw std::invalid_argument(
            fmt::format("LruCell: largest_phase is {}; it must be positive and finite", phase));
}

// Below it lies what `uniform` gives of 0 alone, which has no logarithm.
constexpr double smallest_draw = 0x1p-53;

}  // namespace

template <class T>
LruCell<T>::LruCell(std::size_t input_size, std::size_t state_size, Generator& generator,
                    LruOptions options) {
    require_lru_sizes(input_size, state_size);
    require_ring(options);
    const auto [smallest, largest, phase] = options;
    Tensor<T> nu = zeros<T>({state_size});
    Tensor<T> theta = zeros<T>({state_size});
    Tensor<T> gamma = zeros<T>({state_size});
    for (std::size_t k = 0; k < state_size; ++k) {
        // The square of the radius is what is uniform where points lie evenly in a ring.
        const double square =
            std::max(generator.uniform(smallest * smallest, largest * largest), smallest_draw);
        nu(k) = static_cast<T>(std::log(-std::log(square) / 2));
        theta(k) = static_cast<T>(std::log(phase * std::max(generator.uniform(), smallest_draw)));
        gamma(k) = static_cast<T>(std::log1p(-square) / 2);
    }
    const auto deviation = [](std::size_t count) { return 1 / std::sqrt(static_cast<double>(count)); };
    nu_log = Parameter<T>("nu_log", nu);
    theta_log = Parameter<T>("theta_log", theta);
    gamma_log = Parameter<T>("gamma_log", gamma);
    B = Parameter<T>("B", normal<T>({input_size, 2 * state_size}, 0, deviation(2 * input_size), generator));
    C = Parameter<T>("C", normal<T>({2 * state_size, input_size}, 0, deviation(state_size), generator));
    D = Parameter<T>("D", normal<T>({input_size}, 0, 1, generator));
}

template <class T>
Var<T> LruCell<T>::initial_state(std::size_t batch) const {
    return input(zeros<T>({batch, 2 * nu_log.shape()[0]}));
}

template <class T>
std::array<Var<T>, 4> LruCell<T>::prepare() const {
    const std::array<Var<T>, 2> lambda = map(
        [](auto nu, auto theta) {
            auto radius = exp(-exp(nu));
            auto phase = exp(theta);
            return std::tuple{radius * cos(phase), radius * sin(phase)};
        },
        nu_log, theta_log);
    const Var<T> gamma = exp(gamma_log);
    const auto n = static_cast<std::ptrdiff_t>(nu_log.shape()[0]);
    const Var<T> real = slice(C, 0, 0, n);
    const Var<T> imaginary = slice(C, 0, n, 2 * n);
    return {lambda[0], lambda[1], B * concatenate({gamma, gamma}, 0), concatenate({real, -imaginary}, 0)};
}

template <class T>
std::pair<Var<T>, Var<T>> LruCell<T>::project(const Var<T>& x, const std::array<Var<T>, 4>& prepared) const {
    return {matmul(x, prepared[2]), D * x};
}

// Lambda is the same at all times. What is carried on could therefore be seen from axes that turn with it, in
// which it only shrinks: two real recurrences. But then each time step needs to know how many were before it,
// which lengths, masks and carried states make another number for each row, and its phase is that number
// times theta, of which a float loses what a long sequence has most of. A recurrence of complex numbers has
// neither trouble, is to the bit what single steps compute, and serves coefficients that change with time.
template <class T>
std::array<Var<T>, 3> LruCell<T>::coefficients(const std::pair<Var<T>, Var<T>>& u,
                                               const std::array<Var<T>, 4>& prepared) const {
    Shape numbers;
    for (std::size_t axis = 0; axis + 1 < u.first.shape().rank(); ++axis)
        numbers.append(u.first.shape()[axis]);
    numbers.append(nu_log.shape()[0]);
    return {broadcast_to(prepared[0], numbers), broadcast_to(prepared[1], numbers), u.first};
}

template <class T>
Var<T> LruCell<T>::output(const std::pair<Var<T>, Var<T>>& u, const Var<T>& h,
                          const std::array<Var<T>, 4>& prepared) const {
    return matmul(h, prepared[3]) + u.second;
}

template struct LruCell<float>;
template struct LruCell<double>;

}  // namespace tapeloop::nn
