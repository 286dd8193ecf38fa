#pragma once

#include <nn/files/named_arrays.hpp>
#include <tests/fuzz/files/random_file.hpp>

#include <string>

namespace tapeloop::fuzz {

/// Reads the bytes. Returns whether they are a file of the format. Throws a `Finding` unless what is no file
/// is refused with `std::invalid_argument` in the name of the operation, and what is one stays the same, bit
/// for bit, when it is written and read again.
bool check_file(Format format, const std::string& bytes);

/// The bytes of a file of these arrays, of which npy takes one.
std::string written(Format format, const nn::NamedArrays& arrays);

}  // namespace tapeloop::fuzz
