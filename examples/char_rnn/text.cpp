#include "text.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace char_rnn {

std::u32string decode_utf8(std::string_view bytes) {
    const std::size_t valid = utf8::find_invalid(bytes);
    if (valid != std::string_view::npos) {
        const auto byte = static_cast<unsigned char>(bytes[valid]);
        throw std::invalid_argument(fmt::format(
            "not UTF-8: byte {:#04x} at offset {}; convert it first, for example with iconv -t UTF-8", byte,
            valid));
    }
    std::u32string characters;
    utf8::utf8to32(bytes.begin(), bytes.end(), std::back_inserter(characters));
    return characters;
}

std::string printable(char32_t character) {
    const bool control = character < U' ' || (character >= U'\x7f' && character < U'\xa0');
    if (control && character != U'\n' && character != U'\t') character = U'\ufffd';
    std::string bytes;
    utf8::append(character, bytes);
    return bytes;
}

Vocabulary::Vocabulary(std::u32string_view text) {
    const std::set<char32_t> distinct(text.begin(), text.end());
    characters_.assign(distinct.begin(), distinct.end());
    for (std::size_t i = 0; i < characters_.size(); ++i)
        ids_.emplace(characters_[i], static_cast<std::ptrdiff_t>(i));
}

Ids Vocabulary::encode(std::u32string_view text) const {
    Ids ids;
    ids.reserve(text.size());
    for (const char32_t character : text) ids.push_back(ids_.at(character));
    return ids;
}

std::u32string read_text(const std::filesystem::path& path) {
    if (!std::filesystem::exists(path))
        throw std::invalid_argument(
            fmt::format("{}: there is no such file; give the path of a text", path.string()));
    if (std::filesystem::is_directory(path))
        throw std::invalid_argument(
            fmt::format("{}: is a folder; give the path of a text file", path.string()));
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad())
        throw std::invalid_argument(fmt::format("{}: cannot be read; check its permissions", path.string()));
    if (bytes.empty())
        throw std::invalid_argument(fmt::format("{}: is empty; give a text to learn from", path.string()));
    try {
        return decode_utf8(bytes);
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("{}: {}", path.string(), error.what()));
    }
}

}  // namespace char_rnn
