#include <fmt/format.h>
#include <nn/files/replace_file.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/safetensors_header.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tapeloop::nn {

using namespace detail;

namespace {

constexpr std::size_t bytes_of_length = 8;

std::string read_header_text(const Place& place, ByteSource& source) {
    if (source.left() < bytes_of_length)
        place.refuse(
            fmt::format("it has {} bytes; the first 8 must say how long its header is", source.left()));
    std::uint64_t length = 0;
    source.read(&length, bytes_of_length);
    if (length > most_safetensors_header)
        place.refuse(fmt::format("its header is {} bytes long; at most 100,000,000 are allowed", length));
    if (length > source.left())
        place.refuse(fmt::format("its header is {} bytes long, and {} follow", length, source.left()));
    std::string header(length, ' ');
    source.read(header.data(), header.size());
    return header;
}

using Entry = std::pair<const std::string, SafetensorsEntry>;

/// Returns the entries in the order of their bytes, which must follow upon each other up to the end.
std::vector<const Entry*> in_order(const Place& place, const SafetensorsHeader& header, std::uint64_t bytes,
                                   SafetensorsOptions options) {
    std::vector<const Entry*> order;
    order.reserve(header.entries.size());
    for (const Entry& entry : header.entries) order.push_back(&entry);
    std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
        return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
    });
    std::uint64_t end = 0;
    for (const Entry* entry : order) {
        const auto& [name, data] = *entry;
        if (data.begin != end)
            place.in_array(name).refuse(
                fmt::format("it begins at {} and what is before it ends at {}; {}", data.begin, end,
                            data.begin < end ? "arrays must not overlap" : "there must be no hole"));
        end = data.end;
        if (end > bytes)
            place.in_array(name).refuse(
                fmt::format("it ends at {}, and there are {} bytes of data", end, bytes));
    }
    if (end < bytes && !options.bytes_behind)
        place.refuse(
            fmt::format("{} bytes follow behind the last array; there must be none, unless they are "
                        "to be passed over (bytes_behind)",
                        bytes - end));
    return order;
}

NamedArrays read(const Place& place, ByteSource& source, SafetensorsOptions options) {
    SafetensorsHeader header = parse_safetensors_header(place, read_header_text(place, source));
    NamedArrays result;
    for (const Entry* entry : in_order(place, header, source.left(), options))
        result.arrays.emplace(entry->first,
                              read_array(place.in_array(entry->first), source, entry->second.array));
    result.metadata = std::move(header.metadata);
    return result;
}

std::string_view dtype(ElementType type) {
    switch (type) {
        case ElementType::f32:
            return "F32";
        case ElementType::f64:
            return "F64";
        case ElementType::i64:
            return "I64";
        case ElementType::u64:
            break;
    }
    return "U64";
}

/// An array to be written, and how many bytes it has.
struct Piece {
    const ArrayView* array;
    std::uint64_t bytes;
};

/// Those of the widest type first, as the format's own writer has them, so that each lies aligned.
std::vector<Piece> sorted(const Place& place, std::span<const ArrayView> arrays) {
    std::vector<Piece> pieces;
    pieces.reserve(arrays.size());
    for (const ArrayView& array : arrays)
        pieces.push_back({&array, require_view(place.in_array(array.name), array)});
    const auto rank = [](ElementType type) {
        return type == ElementType::u64 ? 0 : type == ElementType::i64 ? 1 : type == ElementType::f64 ? 2 : 3;
    };
    std::sort(pieces.begin(), pieces.end(), [&](const Piece& a, const Piece& b) {
        return std::pair<int, const std::string&>(rank(a.array->type), a.array->name) <
               std::pair<int, const std::string&>(rank(b.array->type), b.array->name);
    });
    return pieces;
}

void require_names(const Place& place, std::span<const ArrayView> arrays) {
    std::vector<std::string_view> names;
    names.reserve(arrays.size());
    for (const ArrayView& array : arrays) {
        if (array.name == safetensors_metadata)
            place.refuse("an array is called '__metadata__', a name that the format keeps for itself");
        names.push_back(array.name);
    }
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
        place.in_array(*twice).refuse("there are two of this name; each array needs its own");
}

std::string json_of(const Place& place, const std::string& text) {
    if (const std::size_t valid = valid_utf8_length(text); valid != text.size())
        place.refuse(fmt::format("the text {} is not UTF-8, from byte {} on", in_quotes(text), valid));
    return nlohmann::json(text).dump();
}

std::string header_of(const Place& place, const std::vector<Piece>& pieces,
                      const std::map<std::string, std::string>& metadata) {
    std::string header = "{";
    const auto separate = [&] {
        if (header.back() != '{') header += ',';
    };
    if (!metadata.empty()) {
        header += R"("__metadata__":{)";
        for (const auto& [name, text] : metadata) {
            separate();
            header += json_of(place, name) + ":" + json_of(place, text);
        }
        header += "}";
    }
    std::uint64_t begin = 0;
    for (const auto& [array, bytes] : pieces) {
        separate();
        header += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                              json_of(place, array->name), dtype(array->type), fmt::join(array->shape, ","),
                              begin, begin + bytes);
        begin += bytes;
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    if (header.size() > most_safetensors_header)
        place.refuse(
            fmt::format("its header would be {} bytes long; at most 100,000,000 are allowed", header.size()));
    return header;
}

}  // namespace

NamedArrays read_safetensors(const std::filesystem::path& file, SafetensorsOptions options) {
    const Place place = Place("read_safetensors").in_file(file);
    FileSource source(place, file);
    return read(place, source, options);
}

NamedArrays parse_safetensors(std::span<const std::byte> bytes, SafetensorsOptions options) {
    MemorySource source(bytes);
    return read(Place("parse_safetensors"), source, options);
}

void write_safetensors(const std::filesystem::path& file, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata) {
    const Place place = Place("write_safetensors").in_file(file);
    require_names(place, arrays);
    const std::vector<Piece> pieces = sorted(place, arrays);
    const std::string header = header_of(place, pieces, metadata);
    const std::uint64_t length = header.size();
    replace_file("write_safetensors", file, [&](FileWriter& out) {
        out.write(&length, sizeof length);
        out.write(header);
        for (const auto& [array, bytes] : pieces) out.write(array->data, bytes);
    });
}

void write_safetensors(const std::filesystem::path& file, const NamedArrays& arrays) {
    write_safetensors(file, views_of(arrays), arrays.metadata);
}

}  // namespace tapeloop::nn
