#include <tests/fuzz/files/check_file.hpp>

#include <fmt/format.h>

#include <cstdlib>

// libFuzzer chooses the bytes, and keeps those that reach something new. The first says the format.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapeloop::fuzz;
    if (size == 0) return 0;
    try {
        check_file(static_cast<Format>(data[0] % format_count), std::string(data + 1, data + size));
    } catch (const std::exception& error) {
        fmt::print(stderr, "--- {}\n", error.what());
        std::abort();
    }
    return 0;
}
