#include <autograd/kernels/products/blas.hpp>

#include <sys/mman.h>

#include <mutex>
#include <new>

// Null where the BLAS is another.
extern "C" {
[[gnu::weak]] int openblas_get_num_threads(void);
[[gnu::weak]] void openblas_set_num_threads(int count);
}

namespace tapeloop::detail {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{136}
                                     << 20;  // OpenBLAS's of 128 MB, and what a call takes besides
constexpr std::size_t worth_threads = std::size_t{512} * 512;

/// The number of scopes with one thread, and the number of threads before the first.
struct Limited {
    std::mutex mutex;
    int scopes = 0;
    int before = 0;
};
Limited limited;

bool is_openblas() { return openblas_get_num_threads != nullptr && openblas_set_num_threads != nullptr; }

}  // namespace

bool blas_has_memory() {
    // Once it has a buffer it keeps it.
    static thread_local bool has_memory = false;
    if (has_memory) return true;
    void* trial = mmap(nullptr, buffer_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (trial == MAP_FAILED) return false;
    munmap(trial, buffer_bytes);
    has_memory = true;
    return true;
}

BlasScope::BlasScope(std::size_t elements) : small_(is_openblas() && elements <= worth_threads) {
    if (!blas_has_memory()) throw std::bad_alloc();
    if (!small_) return;
    const std::lock_guard lock(limited.mutex);
    if (limited.scopes++ > 0) return;
    limited.before = openblas_get_num_threads();
    if (limited.before > 1) openblas_set_num_threads(1);
}

BlasScope::~BlasScope() {
    if (!small_) return;
    const std::lock_guard lock(limited.mutex);
    if (--limited.scopes == 0 && limited.before > 1) openblas_set_num_threads(limited.before);
}

}  // namespace tapeloop::detail
