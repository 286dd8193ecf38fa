#include <autograd/kernels/threads.hpp>

#include <exception>
#include <mutex>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace tapeloop {

#if defined(_OPENMP)

std::size_t thread_count() {
    return omp_in_parallel() != 0 ? 1 : static_cast<std::size_t>(omp_get_max_threads());
}

namespace {

/// Keeps what parts throw, for none may leave its thread: that of the first part, which is the one that a
/// single thread would have met.
class Thrown {
  public:
    void note(std::size_t part) noexcept {
        const std::lock_guard lock(mutex_);
        if (error_ != nullptr && part > part_) return;
        error_ = std::current_exception();
        part_ = part;
    }
    void rethrow() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
    }

  private:
    std::mutex mutex_;
    std::exception_ptr error_;
    std::size_t part_ = 0;
};

}  // namespace

namespace detail {

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    const int count = static_cast<int>(parts);
    Thrown thrown;
#pragma omp parallel for schedule(static, 1) num_threads(count)
    for (int part = 0; part < count; ++part) {
        try {
            run(context, static_cast<std::size_t>(part));
        } catch (...) {
            thrown.note(static_cast<std::size_t>(part));
        }
    }
    thrown.rethrow();
}

}  // namespace detail

std::size_t limit_threads(std::size_t count) {
    const int before = omp_get_max_threads();
    if (before != static_cast<int>(count)) omp_set_num_threads(static_cast<int>(count));
    return static_cast<std::size_t>(before);
}

#else

std::size_t thread_count() { return 1; }

namespace detail {

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    // As with threads: all parts run, and what the first of those that throw has thrown arrives.
    std::exception_ptr thrown;
    for (std::size_t part = 0; part < parts; ++part) {
        try {
            run(context, part);
        } catch (...) {
            if (thrown == nullptr) thrown = std::current_exception();
        }
    }
    if (thrown != nullptr) std::rethrow_exception(thrown);
}

}  // namespace detail

std::size_t limit_threads(std::size_t /*count*/) { return 1; }

#endif

}  // namespace tapeloop
