#include <nn/files/safetensors.hpp>
#include <tests/expect.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace {

using namespace tapeloop;
using namespace tapeloop::nn;
using namespace tapeloop::test;

using Signed = xt::xarray<std::int64_t>;
using Unsigned = xt::xarray<std::uint64_t>;

NamedArrays parse(const std::string& bytes, SafetensorsOptions options = {}) {
    return parse_safetensors(test::as_bytes(bytes), options);
}

/// Of every type, with a scalar, shapes without elements, and NaNs whose bits say something.
NamedArrays all_kinds() {
    NamedArrays all;
    all.arrays["scalar"] = array_of<Tensor<float>>({}, {-0.0F});
    all.arrays["no rows"] = array_of<Tensor<double>>({0, 3}, {});
    all.arrays["no columns"] = array_of<Signed>({3, 0}, {});
    all.arrays["a/b/W"] = array_of<Tensor<float>>(
        {2, 3}, {1.5F, std::bit_cast<float>(0x7FA12345U), std::bit_cast<float>(0xFFC00001U),
                 std::numeric_limits<float>::infinity(), std::numeric_limits<float>::denorm_min(), -2});
    all.arrays["double"] = array_of<Tensor<double>>(
        {3}, {std::bit_cast<double>(0x7FF4000000000ABCULL), -0.0, std::numeric_limits<double>::max()});
    all.arrays["signed"] = array_of<Signed>({1, 2, 1}, {std::numeric_limits<std::int64_t>::min(), 7});
    all.arrays["unsigned"] = array_of<Unsigned>({1}, {std::numeric_limits<std::uint64_t>::max()});
    all.arrays[""] = array_of<Tensor<double>>({1, 1, 1, 1, 1, 1, 1, 1}, {3});
    all.arrays["\xC3\xA4 \"quoted\"\n\\"] = array_of<Tensor<float>>({1}, {4});
    all.metadata = {{"format", "pt"}, {"", ""}, {"\xE2\x88\x82", "a \"text\"\twith\x01 all"}};
    return all;
}

void check_same(const NamedArrays& a, const NamedArrays& b) {
    CHECK(a.metadata == b.metadata);
    REQUIRE(a.arrays.size() == b.arrays.size());
    for (const auto& [name, array] : a.arrays) {
        CAPTURE(name);
        REQUIRE(b.arrays.count(name) == 1);
        CHECK(same_bits(array, b.arrays.at(name)));
    }
}

/// The value of a half, from its definition.
double half(unsigned bits) {
    const double sign = bits < 0x8000 ? 1 : -1;
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const double fraction = bits & 1023;
    if (exponent == 31)
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    return exponent == 0 ? sign * std::ldexp(fraction, -24)
                         : sign * std::ldexp(1024 + fraction, exponent - 25);
}

}  // namespace

TEST_CASE("safetensors: what is written is read, bit for bit") {
    const Folder folder;
    const NamedArrays all = all_kinds();
    write_safetensors(folder / "all.safetensors", all);
    check_same(all, read_safetensors(folder / "all.safetensors"));
    check_same(all, parse(bytes_in(folder / "all.safetensors")));
    CHECK(folder.names() == std::vector<std::string>{"all.safetensors"});
    // In any order they give the same bytes.
    std::vector<ArrayView> views = views_of(all);
    std::reverse(views.begin(), views.end());
    write_safetensors(folder / "reversed.safetensors", views, all.metadata);
    CHECK(bytes_in(folder / "reversed.safetensors") == bytes_in(folder / "all.safetensors"));
}

TEST_CASE("safetensors: the bytes of a file are those of the format's own writer") {
    const Folder folder;
    const auto a = array_of<Tensor<float>>({2}, {1, 2});
    const auto b = array_of<Tensor<float>>({}, {3});
    const auto wide = array_of<Tensor<double>>({1, 1}, {4});
    const auto number = array_of<Signed>({1}, {-5});
    const auto count = array_of<Unsigned>({1}, {6});
    const std::vector<ArrayView> views{view_of("b", b), view_of("a", a), view_of("z", wide),
                                       view_of("n", number), view_of("c", count)};
    write_safetensors(folder / "f", views, {{"k", "v"}});
    std::string header = R"({"__metadata__":{"k":"v"},"c":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},)"
                         R"("n":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},)"
                         R"("z":{"dtype":"F64","shape":[1,1],"data_offsets":[16,24]},)"
                         R"("a":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},)"
                         R"("b":{"dtype":"F32","shape":[],"data_offsets":[32,36]}})";
    while (header.size() % 8 != 0) header += ' ';
    CHECK(bytes_in(folder / "f") ==
          safetensors(header, bytes_of_value(std::uint64_t{6}) + bytes_of_value(std::int64_t{-5}) +
                                  bytes_of_value(4.0) + bytes_of_values<float>({1, 2, 3})));

    write_safetensors(folder / "empty", NamedArrays{});
    CHECK(bytes_in(folder / "empty") == safetensors("{}      "));
    check_same(read_safetensors(folder / "empty"), {});
}

TEST_CASE("safetensors: every half and every bfloat16 becomes its float") {
    std::string header = R"({"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]},)"
                         R"("b":{"shape":[2,32768],"dtype":"BF16","data_offsets":[131072,262144]}})";
    std::vector<std::uint16_t> bits(65536);
    for (std::size_t k = 0; k < bits.size(); ++k) bits[k] = static_cast<std::uint16_t>(k);
    const NamedArrays read = parse(safetensors(header, bytes_of_values(bits) + bytes_of_values(bits)));
    const auto& halves = std::get<Tensor<float>>(read.arrays.at("h"));
    const auto& brains = std::get<Tensor<float>>(read.arrays.at("b"));
    std::size_t wrong = 0;
    for (unsigned k = 0; k < 65536; ++k) {
        const float value = halves.data()[k];
        if (std::isnan(half(k)))  // sign and fraction stay
            wrong += std::bit_cast<std::uint32_t>(value) !=
                     ((k & 0x8000U) << 16 | 0x7F800000U | (k & 1023U) << 13);
        else
            wrong += double{value} != half(k) || std::signbit(value) != (k >= 0x8000);
        wrong += std::bit_cast<std::uint32_t>(brains.data()[k]) != k << 16;
    }
    CHECK(wrong == 0);
    CHECK(brains.shape(0) == 2);
}

TEST_CASE("safetensors: small integers and truth values become 64 bits wide") {
    const std::string header = R"({"i8":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},)"
                               R"("u8":{"dtype":"U8","shape":[2],"data_offsets":[2,4]},)"
                               R"("bool":{"dtype":"BOOL","shape":[2],"data_offsets":[4,6]},)"
                               R"("i16":{"dtype":"I16","shape":[1],"data_offsets":[6,8]},)"
                               R"("u16":{"dtype":"U16","shape":[1],"data_offsets":[8,10]},)"
                               R"("i32":{"dtype":"I32","shape":[1],"data_offsets":[10,14]},)"
                               R"("u32":{"dtype":"U32","shape":[1],"data_offsets":[14,18]}}   )";
    const std::string data("\x80\x7f\xff\x01\x01\x00\xfe\xff\xfe\xff\xfd\xff\xff\xff\xfd\xff\xff\xff", 18);
    const NamedArrays read = parse(safetensors(header, data));
    const auto has = [&](const char* name, const AnyArray& expected) {
        CAPTURE(name);
        CHECK(same_bits(read.arrays.at(name), expected));
    };
    has("i8", array_of<Signed>({2}, {-128, 127}));
    has("u8", array_of<Unsigned>({2}, {255, 1}));
    has("bool", array_of<Unsigned>({2}, {1, 0}));
    has("i16", array_of<Signed>({1}, {-2}));
    has("u16", array_of<Unsigned>({1}, {65534}));
    has("i32", array_of<Signed>({1}, {-3}));
    has("u32", array_of<Unsigned>({1}, {4294967293}));
}

TEST_CASE("safetensors: more elements than are converted at a time") {
    const std::size_t count = 40'001;
    std::vector<std::int16_t> elements(count);
    for (std::size_t k = 0; k < count; ++k) elements[k] = static_cast<std::int16_t>(k * 7919);
    const NamedArrays read = parse(safetensors(
        fmt::format(R"({{"x":{{"dtype":"I16","shape":[{}],"data_offsets":[0,{}]}}}})", count, 2 * count),
        bytes_of_values(elements)));
    const auto& wide = std::get<Signed>(read.arrays.at("x"));
    CHECK(std::equal(elements.begin(), elements.end(), wide.data()));
}

TEST_CASE("safetensors: nothing need be aligned, or in the order of the header") {
    // One byte in front of doubles, in memory at every place.
    const std::string header = R"({ "d" : {"data_offsets":[1,17], "shape":[2], "dtype":"F64"},)"
                               R"("\u0062":{"dtype":"U8","shape":[],"data_offsets":[0,1]}} )";
    const std::string bytes = safetensors(header, "\x09" + bytes_of_values<double>({1.25, -3}));
    for (std::size_t shift = 0; shift < 8; ++shift) {
        const std::string moved = std::string(shift, 'x') + bytes;
        const NamedArrays read = parse_safetensors(test::as_bytes(moved).subspan(shift));
        CHECK(same_bits(read.arrays.at("d"), array_of<Tensor<double>>({2}, {1.25, -3})));
        CHECK(same_bits(read.arrays.at("b"), array_of<Unsigned>({}, {9})));
    }
}

TEST_CASE("safetensors: bytes behind the last array are passed over when asked") {
    const std::string bytes =
        safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", bytes_of_value(2.0F)) +
        "more";
    CHECK(same_bits(parse(bytes, {.bytes_behind = true}).arrays.at("x"), array_of<Tensor<float>>({1}, {2})));
    CHECK(
        text_of<std::invalid_argument>([&] { parse(bytes); }) ==
        "parse_safetensors: 4 bytes follow behind the last array; there must be none, unless they are to be "
        "passed over (bytes_behind)");
    // What is missing is not made up for by the option.
    CHECK(text_of<std::invalid_argument>([&] {
              parse(bytes.substr(0, bytes.size() - 5), {.bytes_behind = true});
          }) == "parse_safetensors: array 'x': it ends at 4, and there are 3 bytes of data");
}

TEST_CASE("safetensors: what cannot be written is refused, and the file that is there stays") {
    const Folder folder;
    const std::string file = (folder / "f").string();
    put_bytes(file, "old");
    const auto x = array_of<Tensor<float>>({2}, {1, 2});
    const auto refused = [&](const std::vector<ArrayView>& views, const std::string& expected,
                             const std::map<std::string, std::string>& metadata = {}) {
        CAPTURE(expected);
        CHECK(text_of<std::invalid_argument>([&] { write_safetensors(file, views, metadata); }) ==
              "write_safetensors: " + file + ": " + expected);
        CHECK(bytes_in(file) == "old");
    };
    const auto with_shape = [&](std::vector<std::size_t> shape) {
        return std::vector<ArrayView>{{"x", ElementType::f32, std::move(shape), x.data()}};
    };
    refused({view_of("x", x), view_of("y", x), view_of("x", x)},
            "array 'x': there are two of this name; each array needs its own");
    refused({view_of("__metadata__", x)},
            "an array is called '__metadata__', a name that the format keeps for itself");
    refused({view_of("a\xFF", x)}, "the text 'a\\xff' is not UTF-8, from byte 1 on");
    refused({}, "the text '\\xc0\\xaf' is not UTF-8, from byte 0 on", {{"k", "\xC0\xAF"}});
    refused({}, "the text 'k\\xed\\xa0\\x80' is not UTF-8, from byte 1 on", {{"k\xED\xA0\x80", "v"}});
    refused({{"x", ElementType::f32, {2}, nullptr}}, "array 'x': it is [2] and its data is a null pointer");
    refused({{"x", static_cast<ElementType>(9), {2}, x.data()}},
            "array 'x': its type is 9, which is no ElementType");
    refused(with_shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), "array 'x': shape: more than 8 axes; reshape to fewer");
    refused(with_shape({std::size_t{1} << 31, std::size_t{1} << 31}),
            "array 'x': shape: [2147483648, 2147483648] has more than 2^58 elements");
    refused({}, "its header would be 100000032 bytes long; at most 100,000,000 are allowed",
            {{"k", std::string(100'000'000, 'x')}});
    CHECK(folder.names() == std::vector<std::string>{"f"});
}

TEST_CASE("safetensors: a file that is not there, or is none, is a matter of the system") {
    const Folder folder;
    const auto text = [&](const std::filesystem::path& file) {
        return text_of<std::runtime_error>([&] { read_safetensors(file); });
    };
    const std::string name = (folder / "none").string();
    CHECK(text(name) == "read_safetensors: " + name + ": it cannot be opened: No such file or directory");
    CHECK(text(folder.path()) == "read_safetensors: " + folder.path().string() + ": it is a folder");
    CHECK(text("/dev/zero") == "read_safetensors: /dev/zero: it is no regular file");
}

TEST_CASE("views: they refer to the elements, and to no temporary") {
    const NamedArrays all = all_kinds();
    const std::vector<ArrayView> views = views_of(all);
    REQUIRE(views.size() == all.arrays.size());
    for (const ArrayView& view : views)
        std::visit([&](const auto& array) { CHECK(view.data == array.data()); }, all.arrays.at(view.name));
    const auto can_view = []<class A>(const A*) {
        return requires(A a) { view_of("x", std::move(a)); };
    };
    CHECK(!can_view(static_cast<const Tensor<float>*>(nullptr)));
    CHECK(!can_view(static_cast<const AnyArray*>(nullptr)));
}
