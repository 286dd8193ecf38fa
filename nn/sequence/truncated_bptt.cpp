#include <fmt/format.h>
#include <nn/sequence/truncated_bptt.hpp>

namespace tapeloop::nn::detail {

void require_window(const Shape& window) {
    if (window.rank() < 3 || window.size() == 0)
        throw std::invalid_argument(
            fmt::format("truncated_bptt: a window of {}; it must have three axes or more, [k1, B, ..], and "
                        "none of extent 0",
                        window.text()));
}

void require_in_window(const Shape& x, const StepMask& begins, const Shape& window) {
    if (x != window)
        throw std::invalid_argument(fmt::format("truncated_bptt: x is {} and it was made for windows of {}",
                                                x.text(), window.text()));
    if (const Shape rows{window[0], window[1]}; !begins.empty() && begins.shape() != rows)
        throw std::invalid_argument(
            fmt::format("truncated_bptt: begins is {}; for windows of {} it must be {}",
                        begins.shape().text(), window.text(), rows.text()));
}

}  // namespace tapeloop::nn::detail
