#include "text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <utf8.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <set>
#include <stdexcept>
#include <system_error>

namespace char_rnn {
namespace {

constexpr int patience = 5;  // seconds in which something must come through a pipe

[[noreturn]] void refuse_size() {
    throw std::invalid_argument(
        fmt::format("has more than {} bytes, or no end; give a part of it, for example of head -c 10000000",
                    largest_text));
}

/// Throws what keeps a file from being a text, as far as it shows without reading it.
void require_readable(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    switch (status.type()) {
        case std::filesystem::file_type::not_found:
            throw std::invalid_argument("there is no such file; give the path of a text");
        case std::filesystem::file_type::directory:
            throw std::invalid_argument("is a folder; give the path of a text file");
        case std::filesystem::file_type::regular:
            if (std::filesystem::file_size(path, error) > largest_text && !error) refuse_size();
            return;
        case std::filesystem::file_type::fifo:
            return;
        case std::filesystem::file_type::none:
        case std::filesystem::file_type::unknown:
            throw std::invalid_argument(fmt::format("cannot be read: {}", error.message()));
        default:
            throw std::invalid_argument(
                "is a device; give the path of a text file, or of a part of it as head -c gives");
    }
}

/// An open file. Opening a pipe does not wait for who writes into it.
class Reading {
  public:
    explicit Reading(const std::filesystem::path& path)
        : descriptor_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
          is_pipe_(std::filesystem::is_fifo(path)) {
        if (descriptor_ == -1) fail();
    }
    ~Reading() { close(descriptor_); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    /// Returns the next piece; nothing at the end.
    std::string_view next() {
        while (true) {
            if (is_pipe_) await();
            const ssize_t count = read(descriptor_, block_.data(), block_.size());
            if (count >= 0) return {block_.data(), static_cast<std::size_t>(count)};
            if (errno != EINTR && errno != EAGAIN) fail();
        }
    }

  private:
    [[noreturn]] static void fail() {
        throw std::invalid_argument(
            fmt::format("cannot be read: {}; check its permissions", std::generic_category().message(errno)));
    }
    void await() const {
        pollfd waiting{descriptor_, POLLIN, 0};
        if (poll(&waiting, 1, 1000 * patience) == 0)
            throw std::invalid_argument(fmt::format(
                "nothing came through this pipe for {} seconds; write a text into it, or give a file",
                patience));
    }

    int descriptor_;
    bool is_pipe_;
    std::array<char, 65536> block_;
};

std::string bytes_of(const std::filesystem::path& path) {
    require_readable(path);
    Reading file(path);
    std::string bytes;
    for (std::string_view block = file.next(); !block.empty(); block = file.next()) {
        bytes += block;
        if (bytes.size() > largest_text) refuse_size();
    }
    if (bytes.empty()) throw std::invalid_argument("is empty; give a text to learn from");
    return bytes;
}

/// Of a text, the characters that are not among those known.
[[noreturn]] void refuse_unknown(std::u32string_view text, std::u32string_view known) {
    std::set<char32_t> unknown(text.begin(), text.end());
    for (const char32_t character : known) unknown.erase(character);
    constexpr std::size_t most = 20;
    std::string list;
    std::size_t listed = 0;
    for (const char32_t character : unknown) {
        if (listed++ == most) break;
        list += fmt::format("{}U+{:04X}", list.empty() ? "" : ", ", static_cast<std::uint32_t>(character));
    }
    throw std::invalid_argument(
        fmt::format("has characters that the model does not know: {}{}", list,
                    unknown.size() > most ? fmt::format(" and {} more", unknown.size() - most) : ""));
}

}  // namespace

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

std::string encode_utf8(std::u32string_view text) {
    std::string bytes;
    for (const char32_t character : text) utf8::append(character, bytes);
    return bytes;
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
    for (const char32_t character : text) {
        const auto found = ids_.find(character);
        if (found == ids_.end()) refuse_unknown(text, characters_);
        ids.push_back(found->second);
    }
    return ids;
}

std::u32string read_text(const std::filesystem::path& path) {
    try {
        return decode_utf8(bytes_of(path));
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("{}: {}", path.string(), error.what()));
    }
}

}  // namespace char_rnn
