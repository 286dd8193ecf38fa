#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace tapeloop {

namespace detail {

/// Larger blocks do not exist; small enough for the sum of two, or a rounded one, not to overflow.
inline constexpr std::size_t most_bytes = (SIZE_MAX >> 2U) + 1;

}  // namespace detail

namespace detail {

/// Memory for tensors: 64-byte aligned and rounded up to whole 64-byte lanes, so a SIMD load of the last
/// elements stays inside. Freed blocks are sorted by size and handed out again: some are kept by the freeing
/// thread, the rest is there for all threads. Throws `std::bad_alloc`.
void* pool_allocate(std::size_t bytes);
void pool_free(void* block, std::size_t bytes) noexcept;

}  // namespace detail

/// Gives the unused blocks of this thread, and those that all threads share, back to the system.
void release_pooled_memory() noexcept;

/// The allocator of `Tensor`.
template <class T>
struct PoolAllocator {
    using value_type = T;

    PoolAllocator() = default;
    /// Takes any other: they share one pool.
    template <class U>
    PoolAllocator(const PoolAllocator<U>&) noexcept {}

    /// Returns memory for n elements. Throws `std::bad_alloc` when there is none.
    T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / (2 * sizeof(T))) throw std::bad_array_new_length();
        return static_cast<T*>(detail::pool_allocate(n * sizeof(T)));
    }
    /// Gives a block of n elements back.
    void deallocate(T* block, std::size_t n) noexcept { detail::pool_free(block, n * sizeof(T)); }

    friend bool operator==(const PoolAllocator&, const PoolAllocator&) { return true; }
};

}  // namespace tapeloop
