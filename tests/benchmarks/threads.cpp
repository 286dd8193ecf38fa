#include <cblas.h>
#include <omp.h>

#include "contenders.hpp"

namespace tapeloop::benchmarks {

void set_thread_count(int count) {
    set_libtorch_thread_count(count);
    omp_set_num_threads(count);
    openblas_set_num_threads(count);
}

}  // namespace tapeloop::benchmarks
