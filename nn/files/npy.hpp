#pragma once

#include <nn/files/named_arrays.hpp>

#include <cstddef>
#include <filesystem>
#include <span>

namespace tapeloop::nn {

/// Reads a file of NumPy's npy format, versions 1 to 3: one array of numbers or truth values, of any byte
/// order, rows or columns first. The array comes with rows first; 16-bit floating-point numbers become
/// `float`, integers and truth values 64 bits wide.
///
/// Throws `std::runtime_error` when the file cannot be read, and `std::invalid_argument` for one that holds
/// something else: Python objects, records, texts, times, complex numbers; a header over 10,000 bytes, as
/// NumPy does, or one that is not complete; fewer or more bytes than the shape takes; or a shape that a
/// tensor cannot have. No memory is taken for what a header promises and the file does not hold.
AnyArray read_npy(const std::filesystem::path& file);

/// Reads the same from memory, where it need not be aligned.
AnyArray parse_npy(std::span<const std::byte> bytes);

/// Writes a file of NumPy's npy format, version 1; the name of the array is not in it. The file is replaced
/// as a whole or not at all, as by `write_safetensors`. Throws `std::runtime_error` when the system refuses,
/// which says whether the old file still stands, and `std::invalid_argument` for a shape that a tensor cannot
/// have.
void write_npy(const std::filesystem::path& file, const ArrayView& array);

}  // namespace tapeloop::nn
