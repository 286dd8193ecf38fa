#include <fmt/format.h>
#include <nn/files/place.hpp>

#include <stdexcept>
#include <system_error>

namespace tapeloop::nn::detail {
namespace {

/// The number of bytes of the character that begins the text, 0 if none does (RFC 3629, section 4).
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t k) {
        return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U;
    };
    const auto continues = [&](std::size_t k, unsigned low = 0x80, unsigned high = 0xBF) {
        return byte(k) >= low && byte(k) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        // No second way to write a shorter character, and no half of a UTF-16 pair.
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

Place Place::in_file(const std::filesystem::path& file) const {
    return Place(fmt::format("{}: {}", text_, file.string()));
}

Place Place::in_array(std::string_view name) const {
    return Place(fmt::format("{}: array {}", text_, in_quotes(name)));
}

void Place::refuse(std::string_view what) const {
    throw std::invalid_argument(fmt::format("{}: {}", text_, what));
}

void Place::fail(std::string_view what) const {
    throw std::runtime_error(fmt::format("{}: {}", text_, what));
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 80;
    std::string shown = "'";
    for (std::size_t at = 0; at < text.size();) {
        if (at > longest) return shown + "...'";
        const std::size_t length = character_length(text.substr(at));
        const auto byte = static_cast<unsigned char>(text[at]);
        if (length == 0 || byte < 0x20 || byte == 0x7F)
            shown += fmt::format("\\x{:02x}", byte);
        else
            shown += text.substr(at, length);
        at += length == 0 ? 1 : length;
    }
    return shown + "'";
}

std::string reason_of(int error) { return std::generic_category().message(error); }

std::size_t valid_utf8_length(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = character_length(text.substr(at));
        if (length == 0) return at;
        at += length;
    }
    return at;
}

}  // namespace tapeloop::nn::detail
