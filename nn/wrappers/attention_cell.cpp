#include <fmt/format.h>
#include <nn/wrappers/attention_cell.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {

using namespace tapeloop::detail;

template <class T>
AttentionStart<T>::AttentionStart(const Operand<T>& source, std::size_t source_width) : width(source_width) {
    const Shape& shape = source.shape();
    if (shape.rank() != 3 || shape[2] != width)
        throw std::invalid_argument(
            with_site(fmt::format("AttentionCell: source is {}; for this cell it must be [S, B, {}]",
                                  shape.text(), width),
                      source.site(), ""));
    time_steps = shape[0];
    batch = shape[1];
}

template struct AttentionStart<float>;
template struct AttentionStart<double>;

}  // namespace tapeloop::nn::detail
