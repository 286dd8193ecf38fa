#pragma once

#include <cstddef>
#include <string>

/// This file has what the tables of the studies share.
namespace tapeloop::detail {

/// Returns whether a table that must stay short shows position i of 0 .. last: the small ones, then fewer and
/// fewer.
inline bool is_shown(std::size_t i, std::size_t last) {
    for (std::size_t scale = 1; scale <= i; scale *= 10)
        if (i == scale || i == 2 * scale || i == 5 * scale) return true;
    return i == 0 || i == last;
}

/// The rows that such a table shows, with a line of dots where it skips some.
class ShownRows {
  public:
    explicit ShownRows(std::size_t last) : last_(last) {}
    /// Returns whether row `i` is shown, after all before it; adds the dots to `text` in front of the first
    /// row that is shown again.
    bool next(std::size_t i, std::string& text) {
        if (!is_shown(i, last_)) {
            skipped_ = true;
            return false;
        }
        if (skipped_) text += "  ...\n";
        skipped_ = false;
        return true;
    }

  private:
    std::size_t last_;
    bool skipped_ = false;
};

/// A field of a CSV file, in quotes where it needs them.
std::string csv_field(const std::string& text);

}  // namespace tapeloop::detail
