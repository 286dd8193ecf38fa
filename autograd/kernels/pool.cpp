#include <autograd/kernels/pool.hpp>
#include <autograd/kernels/processor.hpp>

#include <array>
#include <bit>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define TAPELOOP_POISONS_FREED_BLOCKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAPELOOP_POISONS_FREED_BLOCKS 1
#endif
#endif

#if defined(TAPELOOP_POISONS_FREED_BLOCKS)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace tapeloop {
namespace {

[[gnu::used]] const int* const looked_at = &detail::processor_is_checked;

constexpr std::size_t line = 64;
constexpr std::size_t class_count = 192;

struct SizeClass {
    std::size_t index;
    std::size_t bytes;
};

// Exact multiples of 64 bytes up to 512, then four sizes to each doubling: at most a quarter is unused.
SizeClass size_class(std::size_t bytes) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes - 1) / line + 1;
    if (lines <= 8) return {lines - 1, lines * line};
    const auto exponent = static_cast<std::size_t>(std::bit_width(lines - 1)) - 3;
    const std::size_t quarter = (lines - 1) >> exponent;  // 4 to 7
    return {8 + (exponent - 1) * 4 + (quarter - 4), ((quarter + 1) << exponent) * line};
}

struct FreeBlock {
    FreeBlock* next;
};

class Pool {
  public:
    Pool() { alive = true; }
    ~Pool() {
        release();
        alive = false;
    }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void* take(SizeClass size) {
        FreeBlock* block = free_[size.index];
        if (block == nullptr) return fresh(size.bytes);
        ASAN_UNPOISON_MEMORY_REGION(block, size.bytes);
        free_[size.index] = block->next;
        return block;
    }

    void give(void* memory, SizeClass size) noexcept {
        auto* block = static_cast<FreeBlock*>(memory);
        block->next = free_[size.index];
        free_[size.index] = block;
        // The link stays readable; everything behind it is poisoned, so a use after free is still found.
        ASAN_POISON_MEMORY_REGION(block + 1, size.bytes - sizeof(FreeBlock));
    }

    void release() noexcept {
        for (FreeBlock*& head : free_)
            while (head != nullptr) {
                FreeBlock* next = head->next;
                ASAN_UNPOISON_MEMORY_REGION(head, line);
                std::free(head);
                head = next;
            }
    }

    static void* fresh(std::size_t bytes) {
        void* block = std::aligned_alloc(line, bytes);
        if (block == nullptr) throw std::bad_alloc();
        return block;
    }

    // Outlives the pool itself: a tensor with static storage may be freed after this thread's pool is gone.
    static thread_local bool alive;

  private:
    std::array<FreeBlock*, class_count> free_{};
};

thread_local bool Pool::alive = false;
thread_local Pool pool;

}  // namespace

void* pool_allocate(std::size_t bytes) {
    const SizeClass size = size_class(bytes);
    return pool.take(size);
}

void pool_free(void* block, std::size_t bytes) noexcept {
    if (block == nullptr) return;
    if (Pool::alive)
        pool.give(block, size_class(bytes));
    else
        std::free(block);
}

void release_pooled_memory() noexcept {
    if (Pool::alive) pool.release();
}

}  // namespace tapeloop
