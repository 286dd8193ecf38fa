#include <autograd/kernels/processor.hpp>

#include <cstdlib>
#include <cstring>

#include <unistd.h>

// Compiled for the plainest processor of its kind, and without the standard library's inline code.
namespace tapeloop::detail {

const int processor_is_checked = 1;

#if defined(__x86_64__)
namespace {

void say(const char* text) {
    // Nothing is left to be done where even this fails.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

/// Ahead of every other initialiser of the program.
__attribute__((constructor(101))) void look_at_processor() {
    __builtin_cpu_init();
    struct Instructions {
        const char* name;
        bool are_there;
    };
    const Instructions all[] = {{"SSE4.2", !!__builtin_cpu_supports("sse4.2")},
                                {"AVX", !!__builtin_cpu_supports("avx")},
                                {"AVX2", !!__builtin_cpu_supports("avx2")},
                                {"FMA", !!__builtin_cpu_supports("fma")},
                                {"BMI2", !!__builtin_cpu_supports("bmi2")},
                                {"AVX512F", !!__builtin_cpu_supports("avx512f")},
                                {"AVX512DQ", !!__builtin_cpu_supports("avx512dq")},
                                {"AVX512BW", !!__builtin_cpu_supports("avx512bw")},
                                {"AVX512VL", !!__builtin_cpu_supports("avx512vl")},
                                {"AVX512VNNI", !!__builtin_cpu_supports("avx512vnni")},
                                {"AVX512VBMI", !!__builtin_cpu_supports("avx512vbmi")}};
    std::uint32_t bit = 1;
    for (const Instructions& one : all) {
        if ((needed_instructions & bit) != 0 && !one.are_there) {
            say("tapeloop: this program was compiled for processors with ");
            say(one.name);
            say(", which this one lacks; build it with -DTAPELOOP_ARCH=x86-64-v3, x86-64, or native on this "
                "machine\n");
            _exit(EXIT_FAILURE);
        }
        bit <<= 1;
    }
}

}  // namespace
#endif

}  // namespace tapeloop::detail
