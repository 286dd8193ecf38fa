#include <fmt/format.h>
#include <nn/files/stored_array.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstring>

namespace tapeloop::nn::detail {

// What is in the order of memory is neither turned when it is read nor when it is written.
static_assert(std::endian::native == std::endian::little);

namespace {

template <class T>
using ArrayOf = std::conditional_t<std::floating_point<T>, Tensor<T>, xt::xarray<T>>;

template <class T>
ArrayOf<T> uninitialised_array(const Shape& shape) {
    return ArrayOf<T>(typename ArrayOf<T>::shape_type(shape.begin(), shape.end()));
}

void reverse_bytes(void* data, std::size_t count, std::size_t size) {
    auto* const bytes = static_cast<std::byte*>(data);
    for (std::size_t i = 0; i < count; ++i) std::reverse(bytes + i * size, bytes + (i + 1) * size);
}

template <class T>
ArrayOf<T> read_kept(ByteSource& source, const StoredArray& array) {
    ArrayOf<T> result = uninitialised_array<T>(array.shape);
    source.read(result.data(), result.size() * sizeof(T));
    if (array.is_big_endian) reverse_bytes(result.data(), result.size(), sizeof(T));
    return result;
}

/// Reads elements of another type, some at a time.
template <class T, class Stored, class Convert>
ArrayOf<T> read_converted(ByteSource& source, const StoredArray& array, const Convert& convert) {
    constexpr std::size_t most_at_once = std::size_t{1} << 14;
    ArrayOf<T> result = uninitialised_array<T>(array.shape);
    std::vector<Stored> some(std::min(result.size(), most_at_once));
    for (std::size_t begin = 0; begin < result.size(); begin += some.size()) {
        const std::size_t count = std::min(some.size(), result.size() - begin);
        source.read(some.data(), count * sizeof(Stored));
        if (array.is_big_endian) reverse_bytes(some.data(), count, sizeof(Stored));
        std::transform(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count), result.data() + begin,
                       convert);
    }
    return result;
}

template <class Stored>
AnyArray read_widened(ByteSource& source, const StoredArray& array) {
    using T = std::conditional_t<std::signed_integral<Stored>, std::int64_t, std::uint64_t>;
    return read_converted<T, Stored>(source, array, [](Stored value) { return T{value}; });
}

AnyArray read_truth(const Place& place, ByteSource& source, const StoredArray& array) {
    const auto truth = [&](std::uint8_t value) {
        if (value > 1) place.refuse(fmt::format("a truth value is {}; it must be 0 or 1", value));
        return std::uint64_t{value};
    };
    return read_converted<std::uint64_t, std::uint8_t>(source, array, truth);
}

AnyArray read_in_order(const Place& place, ByteSource& source, const StoredArray& array) {
    switch (array.type) {
        case StoredType::boolean:
            return read_truth(place, source, array);
        case StoredType::u8:
            return read_widened<std::uint8_t>(source, array);
        case StoredType::i8:
            return read_widened<std::int8_t>(source, array);
        case StoredType::u16:
            return read_widened<std::uint16_t>(source, array);
        case StoredType::i16:
            return read_widened<std::int16_t>(source, array);
        case StoredType::f16:
            return read_converted<float, std::uint16_t>(source, array, from_f16);
        case StoredType::bf16:
            return read_converted<float, std::uint16_t>(source, array, from_bf16);
        case StoredType::u32:
            return read_widened<std::uint32_t>(source, array);
        case StoredType::i32:
            return read_widened<std::int32_t>(source, array);
        case StoredType::f32:
            return read_kept<float>(source, array);
        case StoredType::f64:
            return read_kept<double>(source, array);
        case StoredType::i64:
            return read_kept<std::int64_t>(source, array);
        case StoredType::u64:
            break;
    }
    return read_kept<std::uint64_t>(source, array);
}

Shape reversed(const Shape& shape) {
    Shape result;
    for (std::size_t axis = shape.rank(); axis-- > 0;) result.append(shape[axis]);
    return result;
}

}  // namespace

std::size_t bytes_of(StoredType type) {
    switch (type) {
        case StoredType::boolean:
        case StoredType::u8:
        case StoredType::i8:
            return 1;
        case StoredType::u16:
        case StoredType::i16:
        case StoredType::f16:
        case StoredType::bf16:
            return 2;
        case StoredType::u32:
        case StoredType::i32:
        case StoredType::f32:
            return 4;
        case StoredType::f64:
        case StoredType::i64:
        case StoredType::u64:
            break;
    }
    return 8;
}

AnyArray read_array(const Place& place, ByteSource& source, const StoredArray& array) {
    if (!array.is_column_major || array.shape.rank() < 2) return read_in_order(place, source, array);
    StoredArray turned = array;
    turned.shape = reversed(array.shape);
    const AnyArray read = read_in_order(place, source, turned);
    return std::visit(
        []<class A>(const A& one) -> AnyArray {
            A result = xt::transpose(one);
            return result;
        },
        read);
}

Shape require_shape(const Place& place, std::span<const std::size_t> extents) {
    try {
        return Shape(extents);
    } catch (const ShapeError& error) {
        place.refuse(error.what());
    }
}

std::uint64_t require_view(const Place& place, const ArrayView& array) {
    const Shape shape = require_shape(place, array.shape);
    const bool is_float = array.type == ElementType::f32;
    if (!is_float && array.type != ElementType::f64 && array.type != ElementType::i64 &&
        array.type != ElementType::u64)
        place.refuse(fmt::format("its type is {}, which is no ElementType", static_cast<int>(array.type)));
    if (shape.size() > 0 && array.data == nullptr)
        place.refuse(fmt::format("it is {} and its data is a null pointer", shape.text()));
    return std::uint64_t{shape.size()} * (is_float ? 4U : 8U);
}

float from_f16(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1FU;
    const std::uint32_t fraction = bits & 0x3FFU;
    if (exponent == 0) {  // zero, or a number without the leading one
        const float size = std::bit_cast<float>(std::uint32_t{0x33800000}) * static_cast<float>(fraction);
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(size));
    }
    const std::uint32_t moved = exponent == 0x1F ? 0xFFU : exponent + (127 - 15);
    return std::bit_cast<float>(sign | (moved << 23) | (fraction << 13));
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

}  // namespace tapeloop::nn::detail
