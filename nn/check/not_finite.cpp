#include <fmt/format.h>
#include <autograd/check/judge/differences.hpp>
#include <nn/check/deviation.hpp>
#include <nn/check/not_finite.hpp>

#include <cmath>

namespace tapeloop::nn::detail {

std::string not_finite(const Tensor<double>& tensor) {
    const std::size_t size = tensor.size();
    std::size_t index = 0;
    while (index < size && std::isfinite(tensor.data()[index])) ++index;
    if (index == size) return "";
    const double element = tensor.data()[index];
    const char* const infinity = element > 0 ? "inf" : "-inf";
    return fmt::format("{} at {}", std::isnan(element) ? "nan" : infinity,
                       place_text(tapeloop::detail::position_of(index, shape_of(tensor))));
}

}  // namespace tapeloop::nn::detail
