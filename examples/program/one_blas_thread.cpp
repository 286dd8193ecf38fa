#include "one_blas_thread.hpp"

#include <unistd.h>

#include <cstdlib>
#include <initializer_list>

namespace program {

void use_one_blas_thread(char** arguments) {
    for (const char* said : {"OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"})
        if (std::getenv(said) != nullptr) return;
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0) execv("/proc/self/exe", arguments);
    // Without a new start it works as well, with more threads.
}

}  // namespace program
