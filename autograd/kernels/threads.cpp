#include <autograd/kernels/threads.hpp>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace tapeloop {

#if defined(_OPENMP)

std::size_t thread_count() {
    return omp_in_parallel() != 0 ? 1 : static_cast<std::size_t>(omp_get_max_threads());
}

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    const int count = static_cast<int>(parts);
#pragma omp parallel for schedule(static, 1) num_threads(count)
    for (int part = 0; part < count; ++part) run(context, static_cast<std::size_t>(part));
}

std::size_t limit_threads(std::size_t count) {
    const int before = omp_get_max_threads();
    if (before != static_cast<int>(count)) omp_set_num_threads(static_cast<int>(count));
    return static_cast<std::size_t>(before);
}

#else

std::size_t thread_count() { return 1; }

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    for (std::size_t part = 0; part < parts; ++part) run(context, part);
}

std::size_t limit_threads(std::size_t /*count*/) { return 1; }

#endif

}  // namespace tapeloop
