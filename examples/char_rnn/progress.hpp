#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace char_rnn {

/// Seconds since it was made.
class Stopwatch {
  public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

  private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// `1:05`, or `2:00:00` from an hour on.
std::string clock_time(double seconds);

/// `1,115,394`
std::string grouped(std::size_t number);

/// Shows how far the training is, on standard output: on a terminal one line that is drawn over, elsewhere a
/// line every ten seconds.
class ProgressBar {
  public:
    ProgressBar();

    /// Shows `fraction` (0 to 1) of the work as done, with `text` beside it. Cheap when called often.
    void show(double fraction, const std::string& text);
    /// Returns whether `show` would draw now; to spare the text.
    bool due() const { return watch_.seconds() >= next_; }
    /// Clears the line on a terminal.
    void finish();

  private:
    bool terminal_;
    Stopwatch watch_;
    double next_ = 0;
};

}  // namespace char_rnn
