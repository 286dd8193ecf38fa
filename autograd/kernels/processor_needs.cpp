#include <autograd/kernels/processor.hpp>

// Data only, from the compiler's own macros: this source is compiled for the processor that the library is
// for, and none of its code may run before the look.
namespace tapeloop::detail {

constinit const std::uint32_t needed_instructions = 0
#if defined(__SSE4_2__)
                                                    | 1U << 0
#endif
#if defined(__AVX__)
                                                    | 1U << 1
#endif
#if defined(__AVX2__)
                                                    | 1U << 2
#endif
#if defined(__FMA__)
                                                    | 1U << 3
#endif
#if defined(__BMI2__)
                                                    | 1U << 4
#endif
#if defined(__AVX512F__)
                                                    | 1U << 5
#endif
#if defined(__AVX512DQ__)
                                                    | 1U << 6
#endif
#if defined(__AVX512BW__)
                                                    | 1U << 7
#endif
#if defined(__AVX512VL__)
                                                    | 1U << 8
#endif
#if defined(__AVX512VNNI__)
                                                    | 1U << 9
#endif
#if defined(__AVX512VBMI__)
                                                    | 1U << 10
#endif
    ;

}  // namespace tapeloop::detail
