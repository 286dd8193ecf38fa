#include "one_blas_thread.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define PROGRAM_IS_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PROGRAM_IS_SANITIZED
#endif
#endif

namespace program {

namespace {

constexpr std::array<const char*, 3> variables{"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"};

#if defined(__linux__) && !defined(PROGRAM_IS_SANITIZED)  // whose own start comes first
/// Starts the program anew before the libraries are, so that OpenBLAS makes no thread that is not wanted:
/// where there is no memory for one, it ends the program.
void start_anew(int, char** arguments, char** environment) {
    constexpr std::size_t most = 1000;
    static std::array<char*, most + 2> next{};
    static std::array<char, 32> added{"OPENBLAS_NUM_THREADS=1"};
    std::size_t count = 0;
    for (char** entry = environment; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        for (const std::string_view name : variables)
            if (text.starts_with(name) && text.substr(name.size()).starts_with('=')) return;
        if (count == most) return;
        next[count++] = *entry;
    }
    next[count] = added.data();
    execve("/proc/self/exe", arguments, next.data());
}

[[gnu::section(".preinit_array"), gnu::used]] void (*before_libraries)(int, char**, char**) = &start_anew;
#endif

}  // namespace

void use_one_blas_thread(char** arguments) {
    for (const char* said : variables)
        if (std::getenv(said) != nullptr) return;
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0) execv("/proc/self/exe", arguments);
    // Without a new start it works as well, with more threads.
}

}  // namespace program
