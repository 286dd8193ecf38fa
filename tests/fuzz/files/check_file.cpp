#include <nn/files/npy.hpp>
#include <nn/files/safetensors.hpp>
#include <nn/files/system_calls.hpp>
#include <tests/fuzz/files/check_file.hpp>
#include <tests/fuzz/finding.hpp>
#include <tests/nn/files/file_bytes.hpp>

#ifdef TAPELOOP_HAS_NPZ
#include <nn/files/npz/npz.hpp>
#endif

namespace tapeloop::fuzz {
namespace {

/// The disk is not what is tried.
class NoDisk : public nn::detail::SystemCalls {
  public:
    int sync(int) override { return 0; }
};

nn::NamedArrays parse(Format format, const std::string& bytes) {
    const auto span = test::as_bytes(bytes);
    switch (format) {
        case Format::safetensors:
            return nn::parse_safetensors(span);
        case Format::npy:
            return {{{"", nn::parse_npy(span)}}, {}};
        case Format::npz:
            break;
    }
#ifdef TAPELOOP_HAS_NPZ
    return nn::parse_npz(span);
#else
    throw std::invalid_argument("parse_npz: is not built");
#endif
}

std::string operation(Format format) {
    return format == Format::safetensors ? "parse_safetensors: "
           : format == Format::npy       ? "parse_npy: "
                                         : "parse_npz: ";
}

void require(bool holds, const char* what) {
    if (!holds) throw Finding(what);
}

void require_same(const nn::NamedArrays& a, const nn::NamedArrays& b) {
    require(a.metadata == b.metadata, "written and read again, the metadata differ");
    require(a.arrays.size() == b.arrays.size(), "written and read again, there are more or fewer arrays");
    for (const auto& [name, array] : a.arrays)
        require(b.arrays.count(name) == 1 && test::same_bits(array, b.arrays.at(name)),
                "written and read again, an array differs");
}

}  // namespace

std::string written(Format format, const nn::NamedArrays& arrays) {
    static const test::Folder folder;
    static NoDisk no_disk;
    const nn::detail::SystemCallsScope scope(no_disk);
    const std::filesystem::path file = folder / "f";
    std::filesystem::remove(file);  // some file systems wait for the disk when a file takes another's name
    switch (format) {
        case Format::safetensors:
            nn::write_safetensors(file, arrays);
            break;
        case Format::npy:
            nn::write_npy(file, nn::view_of("", arrays.arrays.begin()->second));
            break;
        case Format::npz:
#ifdef TAPELOOP_HAS_NPZ
            nn::write_npz(file, nn::views_of(arrays));
#endif
            break;
    }
    return test::bytes_in(file);
}

bool check_file(Format format, const std::string& bytes) {
    nn::NamedArrays arrays;
    try {
        arrays = parse(format, bytes);
    } catch (const std::invalid_argument& error) {
        const std::string text = error.what();
        require(text.starts_with(operation(format)), "the error does not begin with the operation");
        require(text.size() < 2000, "the error is not short");
        return false;
    }
    std::string again = written(format, arrays);
    require_same(arrays, parse(format, again));
    if (format == Format::safetensors) {
        const auto behind = test::as_bytes(again += "behind");
        require_same(arrays, nn::parse_safetensors(behind, {.bytes_behind = true}));
    }
    return true;
}

}  // namespace tapeloop::fuzz
