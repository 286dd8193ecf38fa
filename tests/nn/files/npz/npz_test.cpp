#include <nn/files/npz/npz.hpp>
#include <tests/expect.hpp>
#include <tests/nn/files/faulty_system.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <algorithm>
#include <bit>

namespace {

using namespace tapeloop;
using namespace tapeloop::nn;
using namespace tapeloop::test;

using Signed = xt::xarray<std::int64_t>;
using Unsigned = xt::xarray<std::uint64_t>;

NamedArrays all_kinds() {
    NamedArrays all;
    all.arrays["scalar"] = array_of<Tensor<float>>({}, {-0.0F});
    all.arrays["empty"] = array_of<Tensor<double>>({0, 3}, {});
    all.arrays["a/b/W"] = array_of<Tensor<float>>({2, 2}, {1, std::bit_cast<float>(0x7FA12345U), 3, 4});
    all.arrays["x.npy"] = array_of<Signed>({2}, {-1, 2});
    all.arrays[""] = array_of<Unsigned>({1}, {~std::uint64_t{0}});
    all.arrays["\xC3\xA4 \xE2\x88\x82"] = array_of<Tensor<double>>({1}, {4});
    Tensor<double> large = array_of<Tensor<double>>({100'000}, std::vector<double>(100'000, 0.5));
    large.data()[99'999] = 7;
    all.arrays["large"] = large;
    return all;
}

std::string archive_of(const NamedArrays& arrays) {
    const Folder folder;
    write_npz(folder / "f.npz", views_of(arrays));
    return bytes_in(folder / "f.npz");
}

std::string small_archive(const char* name = "x") {
    NamedArrays one;
    one.arrays[name] = array_of<Tensor<float>>({2}, {1, 2});
    return archive_of(one);
}

std::string refusal(const std::string& bytes) {
    return text_of<std::invalid_argument>([&] { parse_npz(test::as_bytes(bytes)); });
}

/// The text with `from`, wherever it stands, replaced by `to`, of the same length.
std::string changed(std::string text, const std::string& from, const std::string& to) {
    REQUIRE(from.size() == to.size());
    std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    for (; at != std::string::npos; at = text.find(from, at + 1)) text.replace(at, from.size(), to);
    return text;
}

/// The archive with two bytes of its directory's first entry replaced.
std::string with_directory(std::string bytes, std::size_t offset, const std::string& to) {
    const std::size_t at = bytes.find("PK\1\2");
    REQUIRE(at != std::string::npos);
    return bytes.replace(at + offset, to.size(), to);
}

}  // namespace

TEST_CASE("npz: what is written is read, bit for bit, and the same arrays give the same bytes") {
    const Folder folder;
    const NamedArrays all = all_kinds();
    std::vector<ArrayView> views = views_of(all);
    write_npz(folder / "f.npz", views);
    std::reverse(views.begin(), views.end());
    write_npz(folder / "g.npz", views);
    CHECK(bytes_in(folder / "f.npz") == bytes_in(folder / "g.npz"));
    CHECK(folder.names() == std::vector<std::string>{"f.npz", "g.npz"});
    for (const NamedArrays& read :
         {read_npz(folder / "f.npz"), parse_npz(test::as_bytes(bytes_in(folder / "f.npz")))}) {
        CHECK(read.metadata.empty());
        REQUIRE(read.arrays.size() == all.arrays.size());
        for (const auto& [name, array] : all.arrays) {
            CAPTURE(name);
            REQUIRE(read.arrays.count(name) == 1);
            CHECK(same_bits(read.arrays.at(name), array));
        }
    }
}

TEST_CASE("npz: an entry says the same where it stands and in the directory") {
    const std::string bytes = small_archive();
    const std::size_t directory = bytes.find("PK\1\2");
    REQUIRE(directory != std::string::npos);
    const auto half = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) +
               (static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 1])) << 8);
    };
    // Time and date, checksum and sizes (APPNOTE 4.3.7 and 4.3.12), and nothing between data and directory.
    CHECK(bytes.substr(10, 16) == bytes.substr(directory + 12, 16));
    CHECK(bytes.substr(10, 4) == std::string("\0\0\x21\0", 4));
    const std::size_t size = half(22);
    CHECK(size == 128 + 2 * sizeof(float));
    CHECK(directory == 30 + half(26) + half(28) + size);
}

TEST_CASE("npz: an archive without arrays") {
    const Folder folder;
    write_npz(folder / "f.npz", {});
    CHECK(bytes_in(folder / "f.npz").size() == 22);
    CHECK(read_npz(folder / "f.npz").arrays.empty());
}

TEST_CASE("npz: what cannot be written is refused, and the file that is there stays") {
    const Folder folder;
    const std::string file = (folder / "f.npz").string();
    put_bytes(file, "old");
    const auto x = array_of<Tensor<float>>({2}, {1, 2});
    const auto refused = [&](const std::vector<ArrayView>& views, const std::string& expected) {
        CHECK(text_of<std::invalid_argument>([&] { write_npz(file, views); }) ==
              "write_npz: " + file + ": " + expected);
        CHECK(bytes_in(file) == "old");
    };
    refused({view_of("x", x), view_of("x", x)},
            "array 'x': there are two of this name; each array needs its own");
    refused({view_of("\xFF", x)}, "array '\\xff': its name must be UTF-8 without zeros");
    refused({view_of(std::string("a\0b", 3), x)}, "array 'a\\x00b': its name must be UTF-8 without zeros");
    refused({{"x", ElementType::f64, {2}, nullptr}}, "array 'x': it is [2] and its data is a null pointer");
}

TEST_CASE("npz: a fault in any call leaves the old file or the new one") {
    const NamedArrays all = all_kinds();
    const std::string whole = archive_of(all);
    std::size_t faults = 0;
    for (bool failed = true; failed; ++faults) {
        const Folder folder;
        put_bytes(folder / "f.npz", "old");
        FaultySystem system({.fail_at = faults});
        std::string text;
        {
            const nn::detail::SystemCallsScope scope(system);
            text = text_of<std::runtime_error>([&] { write_npz(folder / "f.npz", views_of(all)); });
        }
        CAPTURE(system.failed_call());
        failed = !system.failed_call().empty();
        const std::string found = bytes_in(folder / "f.npz");
        CHECK((found == "old" || found == whole));
        CHECK(contains(text, "what was there stands unchanged") == (found == "old"));
        CHECK(folder.names() == std::vector<std::string>{"f.npz"});
    }
    CHECK(faults > 10);
}

TEST_CASE("bad files: npz, each with what is wrong") {
    const std::string good = small_archive();
    CHECK(refusal(good).empty());
    CHECK(refusal("") == "parse_npz: it is no zip archive, but empty");
    CHECK(refusal("no archive, but a text") ==
          "parse_npz: it is no zip archive, or was damaged: Not a zip archive");
    CHECK(contains(refusal(good.substr(0, good.size() - 5)),
                   "parse_npz: it is no zip archive, or was damaged: "));
    CHECK(contains(refusal(good.substr(10)), "parse_npz: "));
    // A byte of an element: the checksum tells.
    const std::string elements = bytes_of_values<float>({1, 2});
    CHECK(refusal(changed(good, elements, bytes_of_values<float>({1, 3}))) ==
          "parse_npz: array 'x.npy': it is damaged: CRC error");
    CHECK(refusal(changed(small_archive("abc"), "abc.npy", "abc.txt")) ==
          "parse_npz: array 'abc.txt': it is no array, which would end with .npy");
    CHECK(refusal(changed(small_archive("abc"), "abc.npy", "abcnpy/")) ==
          "parse_npz: array 'abcnpy/': it is no array, which would end with .npy");
    NamedArrays two;
    two.arrays["abc"] = array_of<Tensor<float>>({2}, {1, 2});
    two.arrays["abd"] = array_of<Tensor<float>>({2}, {1, 2});
    CHECK(refusal(changed(archive_of(two), "abd.npy", "abc.npy")) ==
          "parse_npz: array 'abc.npy': there are two of this name");
    // What the directory says, byte by byte (APPNOTE 4.3.12).
    CHECK(refusal(with_directory(good, 8, std::string("\1", 1))) ==
          "parse_npz: array 'x.npy': it is encrypted");
    CHECK(refusal(with_directory(good, 10, "\14")) ==
          "parse_npz: array 'x.npy': it is packed by method 12; only 0, stored, and 8, deflated, are read");
    CHECK(contains(refusal(with_directory(good, 24, "\xff\xff\xff\x7f")),
                   "parse_npz: array 'x.npy': it cannot have 2147483647 bytes, packed in "));
    CHECK(contains(refusal(with_directory(good, 20, "\xff\xff\xff\x7f")), "parse_npz: "));
    // What it is packed in is not packed.
    CHECK(contains(refusal(with_directory(good, 10, "\10")), "parse_npz: array 'x.npy': "));
    // Its contents are bad npy files, with the name of the array.
    CHECK(refusal(changed(good, "NUMPY", "numpy")) ==
          "parse_npz: array 'x.npy': it does not begin with '\\x93NUMPY' and a version, as every npy file "
          "does");
    CHECK(refusal(changed(good, "<f4", "|O4")) ==
          "parse_npz: array 'x.npy': descr is '|O4': it holds Python "
          "objects, which are programs and not read");
    CHECK(contains(refusal(changed(good, "(2,)", "(3,)")), "it is [3] with 4 bytes each, which takes 12"));
    for (std::size_t length = 0; length < good.size(); ++length) CHECK(refusal(good.substr(0, length)) != "");
}

TEST_CASE("npz: a file that is not there is a matter of the system") {
    const Folder folder;
    const std::string file = (folder / "none").string();
    CHECK(text_of<std::runtime_error>([&] { read_npz(file); }) ==
          "read_npz: " + file + ": it cannot be opened: No such file or directory");
    put_bytes(file, "x");
    CHECK(text_of<std::invalid_argument>([&] { read_npz(file); }) ==
          "read_npz: " + file + ": it is no zip archive, or was damaged: Not a zip archive");
}
