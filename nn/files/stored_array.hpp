#pragma once

#include <nn/files/byte_source.hpp>
#include <nn/files/named_arrays.hpp>

#include <optional>
#include <string_view>

namespace tapeloop::nn::detail {

/// The types of elements that files have and can be read.
enum class StoredType { boolean, u8, i8, u16, i16, f16, bf16, u32, i32, f32, f64, i64, u64 };

std::size_t bytes_of(StoredType type);

/// An array as it lies in a file.
struct StoredArray {
    StoredType type = StoredType::f32;
    Shape shape;
    bool is_big_endian = false;
    bool is_column_major = false;
};

/// Returns the number of bytes of all elements; no shape is large enough for it to overflow.
inline std::uint64_t bytes_of(const StoredArray& array) {
    return std::uint64_t{bytes_of(array.type)} * array.shape.size();
}

/// Reads all elements, for which there must be enough bytes left. Those of a type that is kept go where they
/// will lie. Throws `std::invalid_argument`, at `place`, for a truth value that is neither 0 nor 1.
AnyArray read_array(const Place& place, ByteSource& source, const StoredArray& array);

/// Returns the shape of these extents; throws `std::invalid_argument`, at `place`, when there is none.
Shape require_shape(const Place& place, std::span<const std::size_t> extents);

/// Returns the number of bytes of an array to be written. Throws `std::invalid_argument`, at `place`, when
/// its shape does not exist or it has elements and no data.
std::uint64_t require_view(const Place& place, const ArrayView& array);

/// The value of a 16-bit number of IEEE 754, and of the upper half of a `float`. Every one is a `float`, bits
/// of a NaN included.
float from_f16(std::uint16_t bits);
float from_bf16(std::uint16_t bits);

}  // namespace tapeloop::nn::detail
