#include <fmt/format.h>
#include <autograd/check/differences.hpp>
#include <nn/check/not_finite.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop::nn::detail {

std::string not_finite(const Tensor<double>& tensor) {
    const auto found =
        std::find_if(tensor.begin(), tensor.end(), [](double element) { return !std::isfinite(element); });
    if (found == tensor.end()) return "";
    const auto index = static_cast<std::size_t>(found - tensor.begin());
    return fmt::format("{} at [{}]",
                       std::isnan(*found) ? "nan"
                       : *found > 0       ? "inf"
                                          : "-inf",
                       fmt::join(tapeloop::detail::position_of(index, shape_of(tensor)), ", "));
}

}  // namespace tapeloop::nn::detail
