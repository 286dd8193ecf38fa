#include <fmt/format.h>
#include <autograd/check/judge/differences.hpp>
#include <nn/check/deviation.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn {

using namespace detail;

void Deviation::note(std::size_t index, double of_tape, double of_other) {
    double difference = of_tape == of_other ? 0 : std::abs(of_tape - of_other) / scale;
    if (std::isnan(difference)) difference = std::numeric_limits<double>::infinity();
    ++compared;
    if (compared > 1 && difference <= relative) return;
    relative = difference;
    at = tapeloop::detail::position_of(index, shape);
    tape = of_tape;
    other = of_other;
}

namespace detail {

std::string place_text(const std::vector<std::size_t>& position) {
    return fmt::format("[{}]", fmt::join(position, ", "));
}

double largest_of(const Tensor<double>& tensor) {
    double largest = 0;
    for (double element : tensor) largest = std::max(largest, std::abs(element));
    return largest;
}

Deviation largest_deviation(std::string name, const Tensor<double>& tape, const Tensor<double>& other,
                            double scale) {
    if (tape.shape() != other.shape())
        throw std::invalid_argument(
            fmt::format("largest_deviation: the tape's gradient by {} is {} and the other {}; "
                        "they must have the same shape",
                        name, shape_of(tape).text(), shape_of(other).text()));
    const double largest = std::max(largest_of(tape), largest_of(other));
    Deviation deviation{std::move(name), shape_of(tape), 0, largest, std::max(largest, scale), 0, {}, 0, 0};
    for (std::size_t i = 0; i < tape.size(); ++i) deviation.note(i, tape.data()[i], other.data()[i]);
    return deviation;
}

}  // namespace detail

}  // namespace tapeloop::nn
