#include <tests/fuzz/builder.hpp>
#include <tests/fuzz/check.hpp>

#include <fmt/format.h>

#include <cstdlib>

// libFuzzer chooses the bytes, and keeps those that reach something new.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapeloop::fuzz;
    static Counts counts;
    Program program;
    try {
        program = make_program(Bytes(std::vector<std::uint8_t>(data, data + size)));
        check_program(program, counts);
    } catch (const std::exception& error) {
        fmt::print(stderr, "--- {}\n{}\n", error.what(), program.text());
        std::abort();
    }
    return 0;
}
