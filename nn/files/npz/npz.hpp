#pragma once

#include <nn/files/named_arrays.hpp>

#include <cstddef>
#include <filesystem>
#include <span>

namespace tapeloop::nn {

/// Reads a file of NumPy's npz format, as `numpy.savez` and `numpy.savez_compressed` write them: a zip
/// archive with one npy file for each array, which comes without the `.npy` of its name. What is said of
/// `read_npy` holds for each. An npz has no metadata. Built where libzip is (`tapeloop::npz` in CMake).
///
/// Throws `std::runtime_error` when the file cannot be read, and `std::invalid_argument`, with the name of
/// the array, for what is no zip archive, was damaged (each entry has a checksum), is encrypted or packed in
/// another way than NumPy does, or holds anything else than arrays, or two of one name.
NamedArrays read_npz(const std::filesystem::path& file);

/// Reads the same from memory.
NamedArrays parse_npz(std::span<const std::byte> bytes);

/// Writes a file of NumPy's npz format, not compressed; the same arrays give the same bytes. The file is
/// replaced as a whole or not at all, as by `write_safetensors`. Throws `std::runtime_error` when the system
/// refuses, which says whether the old file still stands, and `std::invalid_argument`, before anything is
/// written, for a name that comes twice or is no text of UTF-8 without zeros, or a shape that a tensor cannot
/// have.
void write_npz(const std::filesystem::path& file, std::span<const ArrayView> arrays);

}  // namespace tapeloop::nn
