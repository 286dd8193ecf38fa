#pragma once

#include <cstddef>
#include <type_traits>

/// This file shares work among threads: one below a measured size, above it as many as OpenMP has
/// (OMP_NUM_THREADS, or `limit_threads`). A thread that another program keeps from its core is not waited
/// for. How a pass is shared never changes its results' bits.
namespace tapeloop {

namespace detail {

/// Elements read and written by a pass that are worth a second thread.
inline constexpr std::size_t worth_sharing = 120'000;

}  // namespace detail

/// Returns the number of threads to share work with; 1 for a thread that is itself one of several.
std::size_t thread_count();

namespace detail {

/// Calls `run(part)` for each of `parts` parts, on several threads if they are free, and waits for all.
/// Throws what the first of them threw.
void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context);

template <class F>
void in_parallel(std::size_t parts, const F& f) {
    run_parts(
        parts, [](const void* context, std::size_t part) { (*static_cast<const F*>(context))(part); }, &f);
}

}  // namespace detail

/// Sets how many threads this one may share its work with, itself included; returns what it was.
std::size_t limit_threads(std::size_t count);

/// A scope in which all work stays on this thread.
class OneThread {
  public:
    OneThread() : before_(limit_threads(1)) {}
    ~OneThread() { limit_threads(before_); }
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

  private:
    std::size_t before_;
};

}  // namespace tapeloop
