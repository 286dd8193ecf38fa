#include <fmt/format.h>
#include <nn/files/npy.hpp>
#include <nn/files/npy_format.hpp>
#include <nn/files/replace_file.hpp>

#include <array>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::string_view magic = "\x93NUMPY";
/// NumPy's own bound, because it hands the header to Python's parser.
constexpr std::size_t most_npy_header = 10'000;

/// Reads the length of the header, which has 2 bytes in version 1 and 4 from then on.
std::size_t read_length(const Place& place, ByteSource& source, std::size_t bytes) {
    if (source.left() < bytes) place.refuse("it ends within the length of its header");
    std::uint32_t length = 0;
    source.read(&length, bytes);
    if (length > most_npy_header)
        place.refuse(fmt::format("its header is {} bytes long; at most 10,000 are read", length));
    if (length > source.left())
        place.refuse(fmt::format("its header is {} bytes long, and {} follow", length, source.left()));
    return length;
}

StoredArray read_npy_header(const Place& place, ByteSource& source) {
    std::array<char, magic.size() + 2> start{};
    const std::string_view given(start.data(), magic.size());
    if (source.left() >= start.size()) source.read(start.data(), start.size());
    if (given != magic)
        place.refuse("it does not begin with '\\x93NUMPY' and a version, as every npy file does");
    const int major = static_cast<unsigned char>(start[magic.size()]);
    const int minor = static_cast<unsigned char>(start[magic.size() + 1]);
    if (major < 1 || major > 3 || minor != 0)
        place.refuse(fmt::format("its version is {}.{}; 1.0, 2.0 and 3.0 are known", major, minor));
    std::string text(read_length(place, source, major == 1 ? 2 : 4), ' ');
    source.read(text.data(), text.size());
    return parse_npy_header(place, text);
}

}  // namespace

namespace detail {

AnyArray read_npy_array(const Place& place, ByteSource& source) {
    const StoredArray array = read_npy_header(place, source);
    const std::uint64_t bytes = bytes_of(array);
    if (bytes != source.left())
        place.refuse(
            fmt::format("it is {} with {} bytes each, which takes {}, and {} bytes follow its header",
                        array.shape.text(), bytes_of(array.type), bytes, source.left()));
    return read_array(place, source, array);
}

}  // namespace detail

AnyArray read_npy(const std::filesystem::path& file) {
    const Place place = Place("read_npy").in_file(file);
    FileSource source(place, file);
    return read_npy_array(place, source);
}

AnyArray parse_npy(std::span<const std::byte> bytes) {
    MemorySource source(bytes);
    return read_npy_array(Place("parse_npy"), source);
}

void write_npy(const std::filesystem::path& file, const ArrayView& array) {
    const std::uint64_t bytes = require_view(Place("write_npy").in_file(file), array);
    replace_file("write_npy", file, [&](FileWriter& out) {
        out.write(npy_header(array));
        out.write(array.data, bytes);
    });
}

}  // namespace tapeloop::nn
