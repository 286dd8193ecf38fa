#include <fmt/format.h>
#include <nn/wrappers/any_layer.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {

void fail_part_count(std::size_t given, std::size_t needed) {
    throw std::invalid_argument(
        fmt::format("AnyLayer: the given state has {} parts; this layer's has {}", given, needed));
}

}  // namespace tapeloop::nn::detail
