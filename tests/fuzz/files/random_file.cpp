#include <nn/files/npy.hpp>
#include <tests/fuzz/files/check_file.hpp>
#include <tests/fuzz/files/random_file.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace tapeloop::fuzz {
namespace {

/// A file in two parts, between which a length stands in front of the header.
struct Parts {
    std::string before;  ///< npy: the magic and the version
    std::string header;
    std::string data;
};

struct Type {
    std::string name;
    std::size_t bytes;
};

const std::vector<Type> safetensors_types{{"F32", 4},  {"F64", 8}, {"I64", 8}, {"U64", 8}, {"BOOL", 1},
                                          {"U8", 1},   {"I8", 1},  {"U16", 2}, {"I16", 2}, {"F16", 2},
                                          {"BF16", 2}, {"U32", 4}, {"I32", 4}};
const std::vector<Type> npy_types{{"f4", 4}, {"f8", 8}, {"i8", 8}, {"u8", 8}, {"b1", 1}, {"u1", 1},
                                  {"i1", 1}, {"u2", 2}, {"i2", 2}, {"f2", 2}, {"u4", 4}, {"i4", 4}};

std::vector<std::size_t> make_shape(Bytes& choices) {
    std::vector<std::size_t> shape(choices.below(4));
    for (std::size_t& extent : shape) extent = choices.below(5);
    return shape;
}

std::string make_data(Bytes& choices, const std::vector<std::size_t>& shape, const Type& type) {
    std::size_t bytes = type.bytes;
    for (const std::size_t extent : shape) bytes *= extent;
    test::Random random(choices.seed());
    const std::size_t bound = type.name == "BOOL" || type.name == "b1" ? 2 : 256;
    std::string data(bytes, '\0');
    for (char& byte : data) byte = static_cast<char>(random.below(bound));
    return data;
}

Parts make_safetensors(Bytes& choices) {
    Parts parts{"", "{", ""};
    const std::size_t count = choices.below(5);
    if (choices.chance(30)) parts.header += R"("__metadata__":{"format":"pt","k":""})";
    for (std::size_t k = 0; k < count; ++k) {
        const Type& type = choices.one_of(safetensors_types);
        const std::vector<std::size_t> shape = make_shape(choices);
        const std::string data = make_data(choices, shape, type);
        if (parts.header.size() > 1) parts.header += ',';
        parts.header +=
            fmt::format(R"("a{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", k, type.name,
                        fmt::join(shape, ","), parts.data.size(), parts.data.size() + data.size());
        parts.data += data;
    }
    parts.header += "}" + std::string(choices.below(8), ' ');
    return parts;
}

Parts make_npy(Bytes& choices) {
    const Type& type = choices.one_of(npy_types);
    const std::vector<std::size_t> shape = make_shape(choices);
    Parts parts;
    parts.before = std::string("\x93NUMPY") + static_cast<char>(choices.between(1, 3)) + '\0';
    parts.header =
        fmt::format("{{'descr': '{}{}', 'fortran_order': {}, 'shape': ({}{}), }}\n",
                    choices.chance(50) ? '>' : '<', type.name, choices.chance(50) ? "True" : "False",
                    fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
    parts.data = make_data(choices, shape, type);
    return parts;
}

std::string joined(Format format, const Parts& parts, std::size_t length) {
    std::string size(8, '\0');
    std::memcpy(size.data(), &length, size.size());
    if (format == Format::safetensors) return size + parts.header + parts.data;
    if (format == Format::npz) return parts.data;
    const std::size_t bytes = parts.before[6] == 1 ? 2 : 4;
    return parts.before + size.substr(0, bytes) + parts.header + parts.data;
}

Parts make_npz(Bytes& choices) {
    Parts parts;
#ifdef TAPELOOP_HAS_NPZ
    nn::NamedArrays arrays;
    const std::size_t count = choices.below(4);
    for (std::size_t k = 0; k < count; ++k) {
        const Parts one = make_npy(choices);
        const std::string npy = joined(Format::npy, one, one.header.size());
        arrays.arrays.emplace(fmt::format("a{}", k), nn::parse_npy(std::as_bytes(std::span(npy))));
    }
    parts.data = written(Format::npz, arrays);
#else
    static_cast<void>(choices);
#endif
    return parts;
}

Parts make_parts(Format format, Bytes& choices) {
    switch (format) {
        case Format::safetensors:
            return make_safetensors(choices);
        case Format::npy:
            return make_npy(choices);
        case Format::npz:
            break;
    }
    return make_npz(choices);
}

/// Something that stands where a number stood.
const std::vector<std::string>& numbers() {
    static const std::vector<std::string> list{"0",
                                               "1",
                                               "-1",
                                               "8",
                                               "1.5",
                                               "1e3",
                                               "65536",
                                               "4294967295",
                                               "4294967296",
                                               "2147483648",
                                               "1073741824",
                                               "9223372036854775808",
                                               "18446744073709551615",
                                               "18446744073709551616",
                                               "\"1\"",
                                               "[1]"};
    return list;
}

void change_number(std::string& text, Bytes& choices) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    std::vector<std::size_t> begins;
    for (std::size_t k = 0; k < text.size(); ++k)
        if (is_digit(text[k]) && (k == 0 || !is_digit(text[k - 1]))) begins.push_back(k);
    if (begins.empty()) return;
    const std::size_t begin = begins[choices.seed() % begins.size()];
    std::size_t end = begin;
    while (end < text.size() && is_digit(text[end])) ++end;
    text.replace(begin, end - begin, choices.one_of(numbers()));
}

void change(std::string& text, Bytes& choices) {
    static const std::string pieces = std::string("{}[]():,\"'\\ \n0129-L\0\1\x7f\x80\xff\xc3", 26);
    if (text.empty()) {
        text += pieces[choices.below(pieces.size())];
        return;
    }
    const std::size_t at = choices.seed() % text.size();
    const std::size_t length = std::min<std::size_t>(1 + choices.below(24), text.size() - at);
    switch (choices.below(7)) {
        case 0:
            text[at] = pieces[choices.below(pieces.size())];
            break;
        case 1:
            text[at] = static_cast<char>(text[at] ^ (1 << choices.below(8)));
            break;
        case 2:
            text.insert(at, 1, pieces[choices.below(pieces.size())]);
            break;
        case 3:
            text.erase(at, length);
            break;
        case 4:
            text.insert(choices.seed() % text.size(), text.substr(at, length));
            break;
        case 5:
            text.resize(at);
            break;
        default:
            change_number(text, choices);
    }
}

}  // namespace

std::string make_file(Format format, Bytes& choices) {
    const Parts parts = make_parts(format, choices);
    return joined(format, parts, parts.header.size());
}

std::string make_changed_file(Format format, Bytes& choices) {
    Parts parts = make_parts(format, choices);
    const std::size_t length = parts.header.size();
    const std::size_t changes = choices.below(4);
    for (std::size_t k = 0; k < changes; ++k)
        change(format == Format::npz || choices.chance(10) ? parts.data : parts.header, choices);
    return joined(format, parts, choices.chance(10) ? length : parts.header.size());
}

}  // namespace tapeloop::fuzz
