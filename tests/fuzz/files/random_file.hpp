#pragma once

#include <tests/fuzz/bytes.hpp>

#include <string>

namespace tapeloop::fuzz {

enum class Format { safetensors, npy, npz };

inline constexpr int format_count = 3;

/// A file that is right, of a few arrays.
std::string make_file(Format format, Bytes& choices);

/// A file that may be wrong: a right one with a few changes, most of them in its header, whose length then
/// says what it is in most cases.
std::string make_changed_file(Format format, Bytes& choices);

}  // namespace tapeloop::fuzz
