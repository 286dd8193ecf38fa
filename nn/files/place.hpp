#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tapeloop::nn::detail {

/// How an error text about a file begins: with the operation, the file, and in it the array, as in
/// `read_npz: weights.npz: array 'W'`.
class Place {
  public:
    explicit Place(std::string_view operation) : text_(operation) {}

    Place in_file(const std::filesystem::path& file) const;
    Place in_array(std::string_view name) const;

    const std::string& text() const { return text_; }
    /// Throws `std::invalid_argument`: what was given cannot be read or written.
    [[noreturn]] void refuse(std::string_view what) const;
    /// Throws `std::runtime_error`: the system does not do it.
    [[noreturn]] void fail(std::string_view what) const;

  private:
    std::string text_;
};

/// A text of a file in quotes, as an error text shows it: escaped, and not longer than a line.
std::string in_quotes(std::string_view text);

/// The system's words for an `errno`.
std::string reason_of(int error);

/// Returns where the first byte stands that has no place in UTF-8, or the length of the text.
std::size_t valid_utf8_length(std::string_view text);

}  // namespace tapeloop::nn::detail
