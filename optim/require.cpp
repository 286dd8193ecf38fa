#include <fmt/format.h>
#include <optim/all_finite.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::optim::detail {
namespace {

void require(bool fulfilled, std::string_view operation, std::string_view option, double value,
             const std::string& range) {
    if (!fulfilled)
        throw std::invalid_argument(
            fmt::format("{}: {} is {}; it must be in {}", operation, option, value, range));
}

}  // namespace

void require_option(std::string_view operation, std::string_view option, double value, double low,
                    double high) {
    require(value >= low && value <= high, operation, option, value, fmt::format("[{}, {}]", low, high));
}

void require_not_negative(std::string_view operation, std::string_view option, double value) {
    require(value >= 0 && std::isfinite(value), operation, option, value, "[0, inf)");
}

void require_below_one(std::string_view operation, std::string_view option, double value) {
    require(value >= 0 && value < 1, operation, option, value, "[0, 1)");
}

template <class T>
std::size_t first_not_finite(const Tensor<T>& tensor) {
    if (all_finite<T, 1>(tensor.size(), {tensor.data()}, [](const auto& in) { return in[0]; }))
        return tensor.size();
    const T* begin = tensor.data();
    const T* end = begin + tensor.size();
    return static_cast<std::size_t>(std::find_if_not(begin, end, [](T x) { return std::isfinite(x); }) -
                                    begin);
}

template <class T>
void require_finite(std::string_view operation, const Gradients<T>& gradients, std::string_view consequence) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        const Tensor<T>& gradient = gradients.at(i);
        const std::size_t bad = first_not_finite(gradient);
        if (bad < gradient.size())
            throw std::invalid_argument(fmt::format(
                "{}: gradient {} of {}, which is {}, has {} at element {}; {}", operation, i + 1,
                gradients.size(), shape_of(gradient).text(), gradient.data()[bad], bad, consequence));
    }
}

template std::size_t first_not_finite(const Tensor<float>&);
template std::size_t first_not_finite(const Tensor<double>&);
template void require_finite(std::string_view, const Gradients<float>&, std::string_view);
template void require_finite(std::string_view, const Gradients<double>&, std::string_view);

}  // namespace tapeloop::optim::detail
