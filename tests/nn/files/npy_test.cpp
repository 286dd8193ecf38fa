#include <nn/files/npy.hpp>
#include <tests/expect.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <algorithm>
#include <bit>

namespace {

using namespace tapeloop;
using namespace tapeloop::nn;
using namespace tapeloop::test;

using Signed = xt::xarray<std::int64_t>;
using Unsigned = xt::xarray<std::uint64_t>;

AnyArray parse(const std::string& bytes) { return parse_npy(test::as_bytes(bytes)); }

std::string reversed(std::string bytes) {
    std::reverse(bytes.begin(), bytes.end());
    return bytes;
}

/// An npy file of one element.
std::string scalar(const std::string& descr, const std::string& bytes) {
    return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': ()}", bytes);
}

}  // namespace

TEST_CASE("npy: what is written is read, bit for bit") {
    const Folder folder;
    const std::vector<AnyArray> all{
        array_of<Tensor<float>>({2, 3}, {1, -0.0F, std::bit_cast<float>(0x7FA12345U), 4, 5, 6}),
        array_of<Tensor<double>>({}, {std::bit_cast<double>(0x7FF4000000000ABCULL)}),
        array_of<Tensor<double>>({0}, {}),
        array_of<Signed>({3, 0, 2}, {}),
        array_of<Signed>({2}, {-1, 2}),
        array_of<Unsigned>({1, 1, 1, 1, 1, 1, 1, 2}, {~std::uint64_t{0}, 3}),
    };
    for (const AnyArray& array : all) {
        write_npy(folder / "x.npy", view_of("", array));
        CHECK(same_bits(read_npy(folder / "x.npy"), array));
        CHECK(same_bits(parse(bytes_in(folder / "x.npy")), array));
    }
    CHECK(folder.names() == std::vector<std::string>{"x.npy"});
}

TEST_CASE("npy: the bytes of a file") {
    const Folder folder;
    const auto x = array_of<Tensor<double>>({2}, {1, -2});
    write_npy(folder / "x.npy", view_of("", x));
    const std::string dictionary = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
    CHECK(bytes_in(folder / "x.npy") == std::string("\x93NUMPY\1\0\x76\0", 10) + dictionary +
                                            std::string(117 - dictionary.size(), ' ') + "\n" +
                                            bytes_of_values<double>({1, -2}));
}

TEST_CASE("npy: each type in each order of bytes") {
    const auto both = [](const std::string& kind, const std::string& bytes, const AnyArray& expected) {
        CAPTURE(kind);
        CHECK(same_bits(parse(scalar("<" + kind, bytes)), expected));
        CHECK(same_bits(parse(scalar(">" + kind, reversed(bytes))), expected));
    };
    for (const char* order : {"<", ">", "|"}) {
        CHECK(same_bits(parse(scalar(order + std::string("i1"), "\xfe")), array_of<Signed>({}, {-2})));
        CHECK(same_bits(parse(scalar(order + std::string("u1"), "\xfe")), array_of<Unsigned>({}, {254})));
        CHECK(same_bits(parse(scalar(order + std::string("b1"), "\1")), array_of<Unsigned>({}, {1})));
    }
    both("i2", bytes_of_value<std::int16_t>(-300), array_of<Signed>({}, {-300}));
    both("u2", bytes_of_value<std::uint16_t>(65'000), array_of<Unsigned>({}, {65'000}));
    both("i4", bytes_of_value<std::int32_t>(-70'000), array_of<Signed>({}, {-70'000}));
    both("u4", bytes_of_value<std::uint32_t>(4'000'000'000), array_of<Unsigned>({}, {4'000'000'000}));
    both("i8", bytes_of_value<std::int64_t>(-5'000'000'000), array_of<Signed>({}, {-5'000'000'000}));
    both("u8", bytes_of_value(~std::uint64_t{1}), array_of<Unsigned>({}, {~std::uint64_t{1}}));
    both("f2", bytes_of_value<std::uint16_t>(0xC100), array_of<Tensor<float>>({}, {-2.5F}));
    both("f4", bytes_of_value(0.1F), array_of<Tensor<float>>({}, {0.1F}));
    both("f8", bytes_of_value(0.1), array_of<Tensor<double>>({}, {0.1}));
    // The bits of a NaN are not its numbers', and stay.
    const std::uint64_t nan = 0x7FF4000000000ABCULL;
    both("f8", bytes_of_value(nan), array_of<Tensor<double>>({}, {std::bit_cast<double>(nan)}));
}

TEST_CASE("npy: columns first become rows first") {
    const std::string columns = "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3)}";
    CHECK(same_bits(parse(npy(columns, bytes_of_values<std::int32_t>({1, 4, 2, 5, 3, 6}))),
                    array_of<Signed>({2, 3}, {1, 2, 3, 4, 5, 6})));
    // Position [i, j, k] holds ijk, and lies at i + 2 j + 6 k.
    std::vector<double> lying(24);
    std::vector<double> rows;
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t k = 0; k < 4; ++k) {
                rows.push_back(static_cast<double>(100 * i + 10 * j + k));
                lying[i + 2 * j + 6 * k] = rows.back();
            }
    CHECK(same_bits(
        parse(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 4)}", bytes_of_values(lying))),
        array_of<Tensor<double>>({2, 3, 4}, rows)));
    CHECK(same_bits(parse(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 0)}")),
                    array_of<Tensor<double>>({3, 0}, {})));
    CHECK(same_bits(
        parse(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", bytes_of_values<float>({1, 2}))),
        array_of<Tensor<float>>({2}, {1, 2})));
}

TEST_CASE("npy: every version, and headers as other programs write them") {
    const std::string two = bytes_of_values<float>({1, 2});
    const auto expected = array_of<Tensor<float>>({2}, {1, 2});
    for (const char version : {'\1', '\2', '\3'})
        CHECK(same_bits(
            parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }   \n", two, version)),
            expected));
    for (const char* dictionary : {
             "{'shape': (2,), 'descr': '<f4', 'fortran_order': False}",
             "{\"fortran_order\":False,\"shape\":(2,),\"descr\":\"<f4\"}",
             " { 'descr' : '<f4' ,\n\t'fortran_order' : True , 'shape' : ( 2 , ) , } \r\n",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }",
         })
        CHECK(same_bits(parse(npy(dictionary, two)), expected));
    CHECK(same_bits(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2L,)}", two)),
                    array_of<Tensor<float>>({1, 2}, {1, 2})));
    // Up to the bound.
    std::string longest = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    longest.resize(10'000, ' ');
    CHECK(same_bits(parse(npy(longest, two)), expected));
}

TEST_CASE("npy: what cannot be written is refused, and the file that is there stays") {
    const Folder folder;
    const std::string file = (folder / "x.npy").string();
    put_bytes(file, "old");
    CHECK(text_of<std::invalid_argument>([&] {
              write_npy(file, {"x", ElementType::f32, {2}, nullptr});
          }) == "write_npy: " + file + ": it is [2] and its data is a null pointer");
    CHECK(bytes_in(file) == "old");
    const auto x = array_of<Tensor<float>>({2}, {1, 2});
    CHECK(contains(text_of<std::runtime_error>([&] { write_npy(folder.path(), view_of("", x)); }),
                   "it is a folder; what was there stands unchanged"));
    CHECK(contains(text_of<std::runtime_error>([&] { read_npy(folder / "none"); }), "read_npy: "));
}
