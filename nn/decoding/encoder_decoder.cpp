#include <fmt/format.h>
#include <nn/decoding/encoder_decoder.hpp>

#include <stdexcept>

namespace tapeloop::nn {

Targets shifted(const Targets& targets, std::ptrdiff_t start, std::optional<std::ptrdiff_t> ignore) {
    if (targets.dimension() != 2)
        throw std::invalid_argument(
            fmt::format("shifted: targets are {}; they must be [T, B]", Shape::of(targets.shape()).text()));
    const std::size_t batch = targets.shape()[1];
    Targets read = targets;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const std::ptrdiff_t before = i < batch ? start : targets.data()[i - batch];
        read.data()[i] = before == ignore ? start : before;
    }
    return read;
}

}  // namespace tapeloop::nn
