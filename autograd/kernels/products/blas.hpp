#pragma once

#include <cstddef>

/// OpenBLAS beneath the decompositions, as far as it needs care. Of another BLAS nothing is known, and
/// nothing done.
namespace tapeloop::detail {

/// Returns whether OpenBLAS finds the memory for the buffer of this thread. It must not be called where it
/// does not, for it would ask for it again and again, without end. oneDNN, which needs less, crashes.
bool blas_has_memory();

/// A scope in which OpenBLAS is called for matrices of so many elements: with one thread where they are
/// small, for its threads spin between the many steps of a decomposition, and on a busy machine that takes
/// minutes. Threads may have scopes at the same time. Throws `std::bad_alloc` where it must not be called.
class BlasScope {
  public:
    explicit BlasScope(std::size_t elements);
    ~BlasScope();
    BlasScope(const BlasScope&) = delete;
    BlasScope& operator=(const BlasScope&) = delete;

  private:
    bool small_;
};

}  // namespace tapeloop::detail
