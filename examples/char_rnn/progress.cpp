#include "progress.hpp"

#include "../program/streams.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace char_rnn {
namespace {

std::size_t terminal_width() {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

}  // namespace

std::string clock_time(double seconds) {
    const auto whole = static_cast<long long>(std::lround(std::max(seconds, 0.0)));
    if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string grouped(std::size_t number) {
    std::string digits = std::to_string(number);
    for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
        digits.insert(static_cast<std::size_t>(place), 1, ',');
    return digits;
}

ProgressBar::ProgressBar() : terminal_(isatty(STDOUT_FILENO) == 1) {}

void ProgressBar::show(double fraction, const std::string& text) {
    if (!due()) return;
    next_ = watch_.seconds() + (terminal_ ? 0.1 : 10.0);
    std::string line = fmt::format("{:3.0f}%  {}", std::floor(100 * fraction), text);
    if (terminal_) {
        const std::size_t width = terminal_width() - 1;
        const std::size_t room = width > line.size() + 3 ? width - line.size() - 3 : 0;
        const std::size_t bar = std::min<std::size_t>(room, 30);
        const auto done = static_cast<std::size_t>(fraction * static_cast<double>(bar));
        if (bar >= 5)
            line = fmt::format("[{}{}] {}", std::string(done, '#'), std::string(bar - done, '.'), line);
        program::print("\r\x1b[K{}", line.substr(0, width));
    } else {
        program::print("{}\n", line);
    }
}

void ProgressBar::finish() {
    if (terminal_) program::print("\r\x1b[K");
}

}  // namespace char_rnn
