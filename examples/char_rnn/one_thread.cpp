#include "one_thread.hpp"

#include <cstdlib>

// Null where no OpenMP is linked, which is only there if the BLAS brings one.
extern "C" [[gnu::weak]] void omp_set_num_threads(int count);

namespace char_rnn {

void compute_on_one_thread() {
    if (omp_set_num_threads != nullptr && std::getenv("OMP_NUM_THREADS") == nullptr) omp_set_num_threads(1);
}

}  // namespace char_rnn
