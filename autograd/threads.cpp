#include <autograd/threads.hpp>

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

OneThread::OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
}
OneThread::~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
}

#else

std::size_t thread_count() { return 1; }

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    for (std::size_t part = 0; part < parts; ++part) run(context, part);
}

OneThread::OneThread() = default;
OneThread::~OneThread() = default;

#endif

}  // namespace tapeloop
