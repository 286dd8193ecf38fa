#pragma once

#include <nn/files/stored_array.hpp>

#include <string>

namespace tapeloop::nn::detail {

/// Reads a whole source as npy. Throws `std::invalid_argument`, at `place`, when it is not.
AnyArray read_npy_array(const Place& place, ByteSource& source);

/// What `text`, the dictionary of an npy header, says.
StoredArray parse_npy_header(const Place& place, std::string_view text);

/// All that stands before the elements of an array of this type and shape.
std::string npy_header(const ArrayView& array);

}  // namespace tapeloop::nn::detail
