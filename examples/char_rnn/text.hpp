#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace char_rnn {

/// Characters as their places in the vocabulary, as `gather_rows` takes them.
using Ids = std::vector<std::ptrdiff_t>;
using IdSpan = std::span<const std::ptrdiff_t>;

/// The code points of a UTF-8 text. Throws `std::invalid_argument` with the offset of the first byte that is
/// not UTF-8.
std::u32string decode_utf8(std::string_view bytes);

/// The UTF-8 of a text.
std::string encode_utf8(std::u32string_view text);

/// The UTF-8 of one character, made harmless for a terminal: a control character other than a line break or a
/// tab becomes the replacement character.
std::string printable(char32_t character);

/// The different characters of a text, numbered by code point. It is made from the whole text, held-out part
/// included, so that model and baselines give every character of it a probability; see `Baselines`.
class Vocabulary {
  public:
    explicit Vocabulary(std::u32string_view text);

    std::size_t size() const { return characters_.size(); }
    char32_t character(std::size_t id) const { return characters_.at(id); }
    const std::u32string& characters() const { return characters_; }
    /// Throws `std::invalid_argument` that says which characters of the text are none of these.
    Ids encode(std::u32string_view text) const;

  private:
    std::u32string characters_;
    std::unordered_map<char32_t, std::ptrdiff_t> ids_;
};

/// The largest text, in bytes; in memory a text takes some thirteen times as much.
inline constexpr std::size_t largest_text = 100'000'000;

/// The characters of a file or a pipe. Throws `std::invalid_argument` when it is missing, unreadable, a
/// folder or a device, empty, larger than `largest_text`, not UTF-8, or a pipe into which nobody writes.
std::u32string read_text(const std::filesystem::path& path);

}  // namespace char_rnn
