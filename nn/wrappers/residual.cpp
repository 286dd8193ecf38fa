#include <fmt/format.h>
#include <nn/wrappers/residual.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {

void require_same_width(const Shape& x, const Shape& outputs) {
    if (x != outputs)
        throw std::invalid_argument(
            fmt::format("Residual: x is {} and the layer's outputs are {}; to be added they must be equal",
                        x.text(), outputs.text()));
}

}  // namespace tapeloop::nn::detail
