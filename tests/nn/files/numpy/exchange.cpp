#include <nn/files/npy.hpp>
#include <nn/files/safetensors.hpp>

#ifdef TAPELOOP_HAS_NPZ
#include <nn/files/npz/npz.hpp>
#endif

#include <fmt/format.h>

#include <cstdio>

// exchange IN OUT: reads the arrays of one file and writes another; the extensions say the formats. What is
// refused is printed, and ends it with 1.

namespace {

using namespace tapeloop::nn;

NamedArrays read(const std::filesystem::path& file) {
    if (file.extension() == ".npy") return {{{"array", read_npy(file)}}, {}};
#ifdef TAPELOOP_HAS_NPZ
    if (file.extension() == ".npz") return read_npz(file);
#endif
    return read_safetensors(file);
}

void write(const std::filesystem::path& file, const NamedArrays& arrays) {
    if (file.extension() == ".npy") return write_npy(file, views_of(arrays).at(0));
#ifdef TAPELOOP_HAS_NPZ
    if (file.extension() == ".npz") return write_npz(file, views_of(arrays));
#endif
    write_safetensors(file, arrays);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: exchange IN OUT\n");
        return 2;
    }
    try {
        write(argv[2], read(argv[1]));
        return 0;
    } catch (const std::exception& error) {
        fmt::print("{}\n", error.what());
        return 1;
    }
}
