#pragma once

#include <nn/files/named_arrays.hpp>

#include <cstddef>
#include <filesystem>
#include <span>

namespace tapeloop::nn {

/// Options of reading safetensors.
struct SafetensorsOptions {
    bool bytes_behind = false;  ///< whether bytes behind the last array are passed over
};

/// Reads a file of the safetensors format (github.com/huggingface/safetensors): arrays under names, and texts
/// about the whole. Arrays of F32, F64, I64 and U64 come as they are; F16 and BF16 become `float`, which
/// holds each exactly; smaller integers and BOOL become 64 bits wide.
///
/// Throws `std::runtime_error` when the file cannot be read, and `std::invalid_argument`, with the name of
/// the array, for one that the format does not allow: whose header is over 100 MB, runs past the end, is not
/// UTF-8 or not JSON; with a name twice or an entry that is not complete; with holes or overlaps between the
/// arrays, or a size that is not that of the shape; with bytes behind the last one. Also for types of 8 bits
/// and less that are no integers, and for shapes that a tensor cannot have. No memory is taken for what a
/// header promises and the file does not hold.
NamedArrays read_safetensors(const std::filesystem::path& file, SafetensorsOptions options = {});

/// Reads the same from memory, where it need not be aligned.
NamedArrays parse_safetensors(std::span<const std::byte> bytes, SafetensorsOptions options = {});

/// Writes a file of the safetensors format: arrays sorted by type and name, texts by name, the header filled
/// up with spaces to whole 8 bytes. The same arrays give the same bytes.
///
/// The file is replaced as a whole or not at all, and is on the disk when this returns; permissions stay, and
/// so does a symbolic link to it. Throws `std::runtime_error` when the system refuses, which says whether the
/// old file still stands; and `std::invalid_argument`, before anything is written, for a name that comes
/// twice or is `__metadata__`, a text that is not UTF-8, a shape that a tensor cannot have, or a header of
/// over 100 MB.
void write_safetensors(const std::filesystem::path& file, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata = {});
void write_safetensors(const std::filesystem::path& file, const NamedArrays& arrays);

}  // namespace tapeloop::nn
