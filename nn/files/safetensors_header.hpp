#pragma once

#include <nn/files/stored_array.hpp>

namespace tapeloop::nn::detail {

/// The format's own bound of a header, in bytes.
inline constexpr std::uint64_t most_safetensors_header = 100'000'000;

/// The entry that is no array.
inline constexpr std::string_view safetensors_metadata = "__metadata__";

/// What the header says of an array. Its bytes lie from `begin` to `end` behind the header.
struct SafetensorsEntry {
    StoredArray array;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

struct SafetensorsHeader {
    std::map<std::string, SafetensorsEntry> entries;
    std::map<std::string, std::string> metadata;
};

/// Reads the JSON of a header. Throws `std::invalid_argument`, at `place`, for what the format does not
/// allow of an entry alone.
SafetensorsHeader parse_safetensors_header(const Place& place, std::string_view text);

}  // namespace tapeloop::nn::detail
