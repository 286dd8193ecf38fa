#include <nn/files/npy.hpp>
#include <nn/files/safetensors.hpp>
#include <tests/expect.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <set>

namespace {

using namespace tapeloop;
using namespace tapeloop::nn;
using namespace tapeloop::test;

struct BadFile {
    std::string kind;
    std::string bytes;
    std::string text;  ///< behind the name of the operation
};

/// A header of one entry called x, with these members.
std::string entry(const std::string& members) { return "{\"x\":{" + members + "}}"; }

std::string floats(const std::string& name, const std::string& shape, const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

/// A file with one array x of F32, of this shape and these offsets, as they stand.
std::string shaped(const std::string& shape, const std::string& offsets, std::size_t bytes = 0) {
    return safetensors("{" + floats("x", shape, offsets) + "}", std::string(bytes, '\0'));
}

std::string with_length(std::uint64_t length, const std::string& header) {
    return bytes_of_value(length) + header;
}

const std::string none_can =
    " is not one that can be read, which are BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, F64, I64 and "
    "U64";
const std::string not_integer = " in it; it must be of integers from 0 to 2^64 - 1";
const std::string not_json = "its header is not JSON: parse error at line 1, column ";

std::vector<BadFile> headers_cut_or_too_long() {
    return {
        {"no bytes", "", "it has 0 bytes; the first 8 must say how long its header is"},
        {"seven bytes", std::string(7, '\0'), "it has 7 bytes; the first 8 must say how long its header is"},
        {"no header", std::string(8, '\0'), "its header begins with ''; it must with '{'"},
        {"a header past the end", with_length(3, "{}"), "its header is 3 bytes long, and 2 follow"},
        {"a header of 4 GB", with_length(std::uint64_t{1} << 32, "{}"),
         "its header is 4294967296 bytes long; at most 100,000,000 are allowed"},
        {"a header one byte over the bound", with_length(100'000'001, "{}"),
         "its header is 100000001 bytes long; at most 100,000,000 are allowed"},
        {"a header of the bound in a short file", with_length(100'000'000, "{}"),
         "its header is 100000000 bytes long, and 2 follow"},
        {"a header of 2^64 - 1 bytes", std::string(8, '\xff') + "{}",
         "its header is 18446744073709551615 bytes long; at most 100,000,000 are allowed"},
        {"another format: zip", "PK\3\4" + std::string(60, '\0'),
         "its header is 67324752 bytes long, and 56 follow"},
        {"a header that begins with a space", safetensors(" {}"),
         "its header begins with ' '; it must with '{'"},
        {"a header that begins with a mark of UTF-8", safetensors("\xEF\xBB\xBF{}"),
         "its header begins with '\\xef'; it must with '{'"},
        {"a header that is a list", safetensors("[]"), "its header begins with '['; it must with '{'"},
    };
}

std::vector<BadFile> headers_that_are_no_text() {
    return {
        {"a byte that is in no UTF-8", safetensors("{\"a\xFF\":{}}"),
         "its header is not UTF-8, from byte 3 on"},
        {"half a character of UTF-8", safetensors("{}\xC3"), "its header is not UTF-8, from byte 2 on"},
        {"a character longer than need be", safetensors("{\"\xC1\x81\":{}}"),
         "its header is not UTF-8, from byte 2 on"},
        {"half of a UTF-16 pair", safetensors("{\"\xED\xA0\x80\":{}}"),
         "its header is not UTF-8, from byte 2 on"},
        {"a character past the last one", safetensors("{\"\xF4\x90\x80\x80\":{}}"),
         "its header is not UTF-8, from byte 2 on"},
        {"half of an escaped pair", safetensors(R"({"\ud800":{}})"),
         not_json +
             "9: syntax error while parsing object key - invalid string: surrogate U+D800..U+DBFF must be "
             "followed by U+DC00..U+DFFF; last read: '\"\\ud800\"'; expected string literal"},
    };
}

std::vector<BadFile> headers_that_are_no_json() {
    return {
        {"an object that does not end", safetensors("{"),
         not_json +
             "2: syntax error while parsing object key - unexpected end of input; expected string literal"},
        {"a comma behind the last entry", safetensors("{" + floats("x", "[]", "[0,4]") + ",}", "1234"),
         not_json + "54: syntax error while parsing object key - unexpected '}'; expected string literal"},
        {"a comma behind the last number", shaped("[1,]", "[0,4]", 4),
         not_json + "32: syntax error while parsing value - unexpected ']'; expected '[', '{', or a literal"},
        {"a name without quotes", safetensors("{x:{}}"),
         not_json +
             "2: syntax error while parsing object key - invalid literal; last read: '{x'; expected string "
             "literal"},
        {"a comment", safetensors("{/* */}"),
         not_json +
             "2: syntax error while parsing object key - invalid literal; last read: '{/'; expected string "
             "literal"},
        {"something behind the object", safetensors("{} {}"),
         not_json + "4: syntax error while parsing value - unexpected '{'; expected end of input"},
        {"zeros behind the object", safetensors(std::string("{}\0\0", 4)),
         "its header has a zero, at byte 2, and is no text"},
        {"an end behind a zero", safetensors(std::string("{\0}", 3)),
         "its header has a zero, at byte 1, and is no text"},
        {"a number that is none", shaped("[01]", "[0,4]", 4),
         not_json + "31: syntax error while parsing array - unexpected number literal; expected ']'"},
        {"a list within lists without end", safetensors(R"({"x":{"shape":)" + std::string(100'000, '[')),
         "array 'x': shape has an array" + not_integer},
        {"objects within objects without end", safetensors(R"({"x":{"shape":{"x":{)"),
         "array 'x': shape is an object; it must be an array"},
    };
}

std::vector<BadFile> entries_that_are_not_complete() {
    return {
        {"an entry that is a number", safetensors(R"({"x":3})"),
         "its header has 3 for 'x'; it must be an object"},
        {"an entry that is a list", safetensors(R"({"x":[]})"),
         "its header has an array for 'x'; it must be an object"},
        {"an entry that is nothing", safetensors(R"({"x":null})"),
         "its header has null for 'x'; it must be an object"},
        {"an entry that is empty", safetensors(R"({"x":{}})"), "array 'x': it has no dtype"},
        {"no shape", safetensors(entry(R"("dtype":"F32","data_offsets":[0,0])")),
         "array 'x': it has no shape"},
        {"no offsets", safetensors(entry(R"("dtype":"F32","shape":[])")),
         "array 'x': it has no data_offsets"},
        {"a key that is not known",
         safetensors(entry(R"("dtype":"F32","shape":[],"data_offsets":[0,4],"scale":2)"), "1234"),
         "array 'x': it has a 'scale', which is none of dtype, shape and data_offsets"},
        {"a key that comes twice", safetensors(entry(R"("shape":[],"shape":[1])")),
         "array 'x': it has shape twice"},
        {"a name that comes twice",
         safetensors("{" + floats("x", "[]", "[0,4]") + "," + floats("x", "[]", "[4,8]") + "}", "12345678"),
         "its header has the name 'x' twice"},
        {"a name that comes twice, once escaped",
         safetensors("{" + floats("x", "[]", "[0,4]") + "," + floats("\\u0078", "[]", "[4,8]") + "}",
                     "12345678"),
         "its header has the name 'x' twice"},
        {"a type that is not known", safetensors(entry(R"("dtype":"F31","shape":[],"data_offsets":[0,4])")),
         "array 'x': dtype 'F31'" + none_can},
        {"a type of 8 bits", safetensors(entry(R"("dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1])"), "1"),
         "array 'x': dtype 'F8_E4M3'" + none_can},
        {"a type in small letters", safetensors(entry(R"("dtype":"f32","shape":[],"data_offsets":[0,4])")),
         "array 'x': dtype 'f32'" + none_can},
        {"a type that is a number", safetensors(entry(R"("dtype":32)")),
         "array 'x': dtype is 32; it must be a text"},
        {"a shape that is a number", safetensors(entry(R"("shape":3)")),
         "array 'x': shape is 3; it must be an array"},
        {"a shape that is a text", safetensors(entry(R"("shape":"[3]")")),
         "array 'x': shape is '[3]'; it must be an array"},
        {"a truth value of 2",
         safetensors(entry(R"("dtype":"BOOL","shape":[3],"data_offsets":[0,3])"), {1, 0, 2}),
         "array 'x': a truth value is 2; it must be 0 or 1"},
    };
}

std::vector<BadFile> shapes_that_do_not_fit() {
    return {
        {"an extent below 0", shaped("[-1]", "[0,4]", 4), "array 'x': shape has -1" + not_integer},
        {"an extent that is no integer", shaped("[1.0]", "[0,4]", 4),
         "array 'x': shape has 1.0" + not_integer},
        {"an extent with an exponent", shaped("[1e0]", "[0,4]", 4), "array 'x': shape has 1e0" + not_integer},
        {"an extent that is a text", shaped("[\"1\"]", "[0,4]", 4), "array 'x': shape has '1'" + not_integer},
        {"an extent that is true", shaped("[true]", "[0,4]", 4), "array 'x': shape has true" + not_integer},
        {"an extent of 2^64", shaped("[18446744073709551616]", "[0,4]", 4),
         "array 'x': shape has 18446744073709551616" + not_integer},
        {"an extent of 2^64 - 1", shaped("[18446744073709551615]", "[0,4]", 4),
         "array 'x': shape: an axis of -1 elements; it must not be negative"},
        {"an extent of 2^32", shaped("[4294967296,0]", "[0,0]"),
         "array 'x': shape: an axis of 4294967296 elements; at most 2^32 - 1 fit"},
        {"a product that wraps to 0", shaped("[4294967295,4294967295,4294967295]", "[0,0]"),
         "array 'x': shape: [4294967295, 4294967295] has more than 2^58 elements"},
        {"a product that wraps to 1", shaped("[2147483648,2147483648,4]", "[0,4]", 4),
         "array 'x': shape: [2147483648, 2147483648] has more than 2^58 elements"},
        {"bytes that wrap", shaped("[2147483648,134217728]", "[0,0]"),
         "array 'x': [2147483648, 134217728] of F32 takes 1152921504606846976 bytes, and data_offsets [0, 0] "
         "are "
         "0"},
        {"nine axes", shaped("[1,1,1,1,1,1,1,1,1]", "[0,4]", 4), "array 'x': shape has more than 8 numbers"},
        {"fewer bytes than the shape takes", shaped("[2,3]", "[0,20]", 20),
         "array 'x': [2, 3] of F32 takes 24 bytes, and data_offsets [0, 20] are 20"},
        {"more bytes than the shape takes", shaped("[]", "[0,8]", 8),
         "array 'x': [] of F32 takes 4 bytes, and data_offsets [0, 8] are 8"},
        {"bytes for no element", shaped("[3,0]", "[0,4]", 4),
         "array 'x': [3, 0] of F32 takes 0 bytes, and data_offsets [0, 4] are 4"},
    };
}

std::vector<BadFile> offsets_that_do_not_fit() {
    const auto two = [](const std::string& a, const std::string& b, std::size_t bytes) {
        return safetensors("{" + floats("a", "[]", a) + "," + floats("b", "[]", b) + "}",
                           std::string(bytes, '\0'));
    };
    std::string many = "{" + floats("t0", "[256]", "[0,1024]");
    for (int k = 1; k < 1000; ++k) many += "," + floats(fmt::format("t{}", k), "[256]", "[0,1024]");
    return {
        {"one offset", shaped("[]", "[4]", 4),
         "array 'x': data_offsets are [4]; there must be two, begin and end"},
        {"three offsets", shaped("[]", "[0,4,8]", 8),
         "array 'x': data_offsets are [0, 4, 8]; there must be two, begin and end"},
        {"an offset below 0", shaped("[]", "[-4,0]", 4), "array 'x': data_offsets has -4" + not_integer},
        {"offsets that decrease", shaped("[]", "[4,0]", 4),
         "array 'x': data_offsets are [4, 0]; they must not decrease"},
        {"an end that wraps", shaped("[]", "[18446744073709551612,0]", 4),
         "array 'x': data_offsets are [18446744073709551612, 0]; they must not decrease"},
        {"data past the end", shaped("[]", "[0,4]", 3),
         "array 'x': it ends at 4, and there are 3 bytes of data"},
        {"a terabyte past the end", shaped("[256,1073741824]", "[0,1099511627776]", 3),
         "array 'x': it ends at 1099511627776, and there are 3 bytes of data"},
        {"a hole at the beginning", shaped("[]", "[4,8]", 8),
         "array 'x': it begins at 4 and what is before it ends at 0; there must be no hole"},
        {"a hole between two", two("[0,4]", "[8,12]", 12),
         "array 'b': it begins at 8 and what is before it ends at 4; there must be no hole"},
        {"two that overlap", two("[0,4]", "[2,6]", 6),
         "array 'b': it begins at 2 and what is before it ends at 4; arrays must not overlap"},
        {"two that overlap, the first one behind", two("[2,6]", "[0,4]", 6),
         "array 'a': it begins at 2 and what is before it ends at 4; arrays must not overlap"},
        {"a thousand arrays on one range", safetensors(many + "}", std::string(1024, '\0')),
         "array 't1': it begins at 0 and what is before it ends at 1024; arrays must not overlap"},
        {"no elements in the middle of another",
         safetensors("{" + floats("a", "[2]", "[0,8]") + "," + floats("b", "[0]", "[4,4]") + "}", "12345678"),
         "array 'b': it begins at 4 and what is before it ends at 8; arrays must not overlap"},
        {"bytes behind the last array", shaped("[]", "[0,4]", 5),
         "1 bytes follow behind the last array; there must be none, unless they are to be passed over "
         "(bytes_behind)"},
        {"bytes and no arrays", safetensors("{}", "1234"),
         "4 bytes follow behind the last array; there must be none, unless they are to be passed over "
         "(bytes_behind)"},
    };
}

std::vector<BadFile> metadata_that_is_none() {
    return {
        {"metadata that is a text", safetensors(R"({"__metadata__":"x"})"),
         "its header has 'x' for '__metadata__'; it must be an object"},
        {"metadata that is a list", safetensors(R"({"__metadata__":["x"]})"),
         "its header has an array for '__metadata__'; it must be an object"},
        {"metadata with a number", safetensors(R"({"__metadata__":{"k":1}})"),
         "__metadata__ has 1 for 'k'; it must be a text"},
        {"metadata with an object", safetensors(R"({"__metadata__":{"k":{}}})"),
         "__metadata__ has an object for 'k'; it must be a text"},
        {"metadata with a text twice", safetensors(R"({"__metadata__":{"k":"a","k":"a"}})"),
         "its __metadata__ has 'k' twice"},
        {"metadata twice", safetensors(R"({"__metadata__":{},"__metadata__":{}})"),
         "its header has the name '__metadata__' twice"},
    };
}

std::string fields(const std::string& descr, const std::string& order, const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + "}\n";
}

std::string npy_of(const std::string& descr, const std::string& shape = "(1,)", std::size_t bytes = 8) {
    return npy(fields(descr, "False", shape), std::string(bytes, '\0'));
}

std::vector<BadFile> npy_that_is_none() {
    const std::string version = std::string("\x93NUMPY");
    const std::string no_magic = "it does not begin with '\\x93NUMPY' and a version, as every npy file does";
    return {
        {"npy: no bytes", "", no_magic},
        {"npy: half of the beginning", "\x93NUM", no_magic},
        {"npy: another beginning", "\x94NUMPY" + npy_of("'<f8'").substr(6), no_magic},
        {"npy: no version", version + "\1", no_magic},
        {"npy: version 0", version + std::string(4, '\0'), "its version is 0.0; 1.0, 2.0 and 3.0 are known"},
        {"npy: version 4", npy("{}", "", 4), "its version is 4.0; 1.0, 2.0 and 3.0 are known"},
        {"npy: version 1.1", version + "\1\1" + std::string(2, '\0'),
         "its version is 1.1; 1.0, 2.0 and 3.0 are known"},
        {"npy: no length", version + std::string("\1\0\5", 3), "it ends within the length of its header"},
        {"npy: half a length of version 2", version + std::string("\2\0\5\0", 4),
         "it ends within the length of its header"},
        {"npy: a header past the end", version + std::string("\1\0\5\0{}", 6),
         "its header is 5 bytes long, and 2 follow"},
        {"npy: a header over 10,000 bytes", npy(std::string(10'001, ' ')),
         "its header is 10001 bytes long; at most 10,000 are read"},
        {"npy: a header of 4 GB", version + std::string("\2\0\xff\xff\xff\xff", 6),
         "its header is 4294967295 bytes long; at most 10,000 are read"},
    };
}

std::vector<BadFile> npy_with_bad_header() {
    const auto goes_on = [](const std::string& expected, int at, const std::string& with) {
        return fmt::format("its header should go on with {} at byte {}, and does with '{}'", expected, at,
                           with);
    };
    const std::string truth = "'<f8', 'fortran_order': ";
    return {
        {"npy: an empty header", npy(""), goes_on("'{'", 0, "")},
        {"npy: a call in the place of the header", npy("open('x')"), goes_on("'{'", 0, "open('x')")},
        {"npy: a header that does not end", npy("{'descr': '<f8'"), goes_on("'}'", 15, "")},
        {"npy: something behind the header", npy("{} {}"), goes_on("the end", 3, "{}")},
        {"npy: a key without quotes", npy("{descr: '<f8'}"), goes_on("a text", 1, "descr: '<f8'}")},
        {"npy: a text that does not end", npy("{'descr"), goes_on("a text that ends", 2, "descr")},
        {"npy: an escaped character", npy("{'\\x64escr': '<f8'}"),
         goes_on("a text without '\\'", 2, "\\x64escr': '<f8'}")},
        {"npy: no colon", npy("{'descr' '<f8'}"), goes_on("':'", 9, "'<f8'}")},
        {"npy: a truth value that is a number", npy(fields("'<f8'", "0", "()")),
         goes_on("True or False", 34, "0, 'shape': ()}\\x0a")},
        {"npy: a shape that is a list", npy_of("'<f8'", "[1]"), goes_on("'('", 50, "[1]}\\x0a")},
        {"npy: a shape that is a number", npy_of("'<f8'", "(1)"),
         goes_on("',', without which this is no tuple", 52, ")}\\x0a")},
        {"npy: an extent below 0", npy_of("'<f8'", "(-1,)"),
         goes_on("an integer from 0 to 2^64 - 1", 51, "-1,)}\\x0a")},
        {"npy: an extent of 2^64", npy_of("'<f8'", "(18446744073709551616,)"),
         goes_on("an integer from 0 to 2^64 - 1", 51, "18446744073709551616")},
        {"npy: an extent that is no integer", npy_of("'<f8'", "(1.0,)"),
         goes_on("',', without which this is no tuple", 52, ".0,)}\\x0a")},
        {"npy: nine axes", npy_of("'<f8'", "(1,1,1,1,1,1,1,1,1)"), "its shape has more than 8 axes"},
        {"npy: a product that wraps", npy_of("'<f8'", "(4294967295, 4294967295, 4294967295)"),
         "shape: [4294967295, 4294967295] has more than 2^58 elements"},
        {"npy: a key that comes twice", npy("{'shape': (), 'shape': ()}"), "its header has shape twice"},
        {"npy: a key that is not known", npy("{'more': 1}"),
         "its header has a 'more', which is none of descr, fortran_order and shape"},
        {"npy: no descr", npy("{'fortran_order': False, 'shape': ()}"), "its header has no descr"},
        {"npy: no order", npy("{'descr': '<f8', 'shape': ()}"), "its header has no fortran_order"},
        {"npy: no shape", npy("{'descr': '<f8', 'fortran_order': False}"), "its header has no shape"},
    };
}

std::vector<BadFile> npy_with_other_elements() {
    const auto descr = [](const std::string& name) {
        return "descr is '" + name +
               "'; it must be <, > or | and b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4 or f8";
    };
    const std::string objects = ": it holds Python objects, which are programs and not read";
    const auto size = [](const std::string& shape, int each, std::uint64_t takes, int follow) {
        return fmt::format("it is {} with {} bytes each, which takes {}, and {} bytes follow its header",
                           shape, each, takes, follow);
    };
    return {
        {"npy: Python objects", npy_of("'|O'"), "descr is '|O'" + objects},
        {"npy: Python objects without an order", npy_of("'O'"), "descr is 'O'" + objects},
        {"npy: Python objects of 8 bytes", npy_of("'<O8'"), "descr is '<O8'" + objects},
        {"npy: records", npy_of("[('a', '<f8')]"),
         "descr is a list: it holds records, which are not read; write each field alone"},
        {"npy: complex numbers", npy_of("'<c8'"), descr("<c8")},
        {"npy: texts", npy_of("'<U2'"), descr("<U2")},
        {"npy: times", npy_of("'<M8[ns]'"), descr("<M8[ns]")},
        {"npy: numbers of 16 bytes", npy_of("'<f16'"), descr("<f16")},
        {"npy: no order of bytes", npy_of("'f8'"), descr("f8")},
        {"npy: the order of an unknown machine", npy_of("'=f8'"), descr("=f8")},
        {"npy: no order for 8 bytes", npy_of("'|f8'"), descr("|f8")},
        {"npy: an empty descr", npy_of("''"), descr("")},
        {"npy: fewer bytes than the shape takes", npy_of("'<f8'", "(2,)"), size("[2]", 8, 16, 8)},
        {"npy: bytes behind", npy_of("'<f8'", "(1,)", 9), size("[1]", 8, 8, 9)},
        {"npy: an exabyte", npy_of("'<f8'", "(1073741824, 268435456)"),
         size("[1073741824, 268435456]", 8, std::uint64_t{1} << 61, 8)},
        {"npy: a truth value of 255", npy(fields("'|b1'", "False", "()"), "\xff"),
         "a truth value is 255; it must be 0 or 1"},
    };
}

template <class Parse>
void check_refused(const std::vector<BadFile>& files, const std::string& operation, const Parse& parse) {
    static std::set<std::string> kinds;
    for (const BadFile& file : files) {
        CAPTURE(file.kind);
        CHECK(kinds.insert(file.kind).second);
        CHECK(text_of<std::invalid_argument>([&] { parse(test::as_bytes(file.bytes)); }) ==
              operation + ": " + file.text);
    }
}

}  // namespace

TEST_CASE("bad files: safetensors, each with what is wrong") {
    std::size_t count = 0;
    for (const auto& files : {headers_cut_or_too_long(), headers_that_are_no_text(),
                              headers_that_are_no_json(), entries_that_are_not_complete(),
                              shapes_that_do_not_fit(), offsets_that_do_not_fit(), metadata_that_is_none()}) {
        check_refused(files, "parse_safetensors", [](auto bytes) { parse_safetensors(bytes); });
        count += files.size();
    }
    CHECK(count >= 80);
}

TEST_CASE("bad files: npy, each with what is wrong") {
    std::size_t count = 0;
    for (const auto& files : {npy_that_is_none(), npy_with_bad_header(), npy_with_other_elements()}) {
        check_refused(files, "parse_npy", [](auto bytes) { parse_npy(bytes); });
        count += files.size();
    }
    CHECK(count >= 49);
}

TEST_CASE("bad files: from disk they are refused as from memory, with the file's name") {
    const Folder folder;
    const std::string file = (folder / "f").string();
    const auto check = [&](const std::vector<BadFile>& files, const std::string& operation,
                           const auto& read) {
        for (const BadFile& bad : files) {
            CAPTURE(bad.kind);
            put_bytes(file, bad.bytes);
            CHECK(text_of<std::invalid_argument>([&] { read(file); }) ==
                  operation + ": " + file + ": " + bad.text);
        }
    };
    const auto safetensors = [](const std::string& name) { read_safetensors(name); };
    check(headers_cut_or_too_long(), "read_safetensors", safetensors);
    check(offsets_that_do_not_fit(), "read_safetensors", safetensors);
    const auto npy = [](const std::string& name) { read_npy(name); };
    check(npy_that_is_none(), "read_npy", npy);
    check(npy_with_other_elements(), "read_npy", npy);
}

TEST_CASE("bad files: a good one cut anywhere, or with one more byte, is refused") {
    const std::string good = safetensors(
        "{" + floats("a", "[2]", "[0,8]") + "," + floats("b", "[1]", "[8,12]") + "}", "123456789012");
    CHECK(parse_safetensors(test::as_bytes(good)).arrays.size() == 2);
    const std::string array = npy(fields("'>i2'", "True", "(2, 3)"), "123456789012");
    CHECK_NOTHROW(parse_npy(test::as_bytes(array)));
    for (std::size_t length = 0; length < good.size(); ++length)
        CHECK_THROWS_AS(parse_safetensors(test::as_bytes(good.substr(0, length))), std::invalid_argument);
    for (std::size_t length = 0; length < array.size(); ++length)
        CHECK_THROWS_AS(parse_npy(test::as_bytes(array.substr(0, length))), std::invalid_argument);
    CHECK_THROWS_AS(parse_safetensors(test::as_bytes(good + "x")), std::invalid_argument);
    CHECK_THROWS_AS(parse_npy(test::as_bytes(array + "x")), std::invalid_argument);
}

TEST_CASE("bad files: a name of any bytes and length is shown in a line") {
    const std::string name = "tab\\t" + std::string(200, 'x');
    CHECK(text_of<std::invalid_argument>([&] {
              parse_safetensors(test::as_bytes(safetensors("{\"" + name + "\":1}")));
          }) == "parse_safetensors: its header has 1 for 'tab\\x09" + std::string(77, 'x') +
                    "...'; it must be an object");
}
