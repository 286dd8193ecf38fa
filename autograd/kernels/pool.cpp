#include <autograd/kernels/pool.hpp>
#include <autograd/kernels/processor.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <utility>

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

using namespace detail;

namespace {

[[gnu::used]] const int* const looked_at = &detail::processor_is_checked;

constexpr std::size_t line = 64;

struct SizeClass {
    std::size_t index;
    std::size_t bytes;
};

// Exact multiples of 64 bytes up to 512, then four sizes to each doubling: at most a quarter is unused.
constexpr SizeClass size_class(std::size_t bytes) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes - 1) / line + 1;
    if (lines <= 8) return {lines - 1, lines * line};
    const auto exponent = static_cast<std::size_t>(std::bit_width(lines - 1)) - 3;
    const std::size_t quarter = (lines - 1) >> exponent;  // 4 to 7
    return {8 + (exponent - 1) * 4 + (quarter - 4), ((quarter + 1) << exponent) * line};
}

constexpr std::size_t class_count = size_class(most_bytes).index + 1;

/// The number of blocks of a size that a thread keeps for itself, without a lock: a megabyte, and some blocks
/// at least. The largest are worth a lock each.
constexpr std::ptrdiff_t kept_count(std::size_t bytes) {
    constexpr std::size_t megabyte = std::size_t{1} << 20;
    if (bytes > 64 * megabyte) return 0;
    return static_cast<std::ptrdiff_t>(std::max<std::size_t>(megabyte / bytes, bytes > 4 * megabyte ? 2 : 4));
}

struct FreeBlock {
    FreeBlock* next;
};

/// Free blocks of one size, the last one freed first.
struct FreeList {
    FreeBlock* head = nullptr;
    std::ptrdiff_t room = 0;  // for more blocks; negative when there are too many

    void push(FreeBlock* block) {
        block->next = head;
        head = block;
        --room;
    }
    FreeBlock* pop() {
        FreeBlock* const block = head;
        head = block->next;
        ++room;
        return block;
    }
    void move_to(FreeList& other, std::ptrdiff_t blocks) {
        for (; blocks > 0 && head != nullptr; --blocks) other.push(pop());
    }
    void release() noexcept {
        while (head != nullptr) {
            FreeBlock* const block = pop();
            ASAN_UNPOISON_MEMORY_REGION(block, line);
            std::free(block);
        }
    }
};

using FreeLists = std::array<FreeList, class_count>;

/// The blocks that threads freed beyond what they keep, for all of them. One thread may make what another
/// frees, as a loader does for a trainer: without this the blocks would pile up where they are freed.
class Depot {
  public:
    static Depot& instance() {
        static auto* depot = new Depot();  // never destroyed: static tensors are freed late
        return *depot;
    }
    void take(std::size_t index, FreeList& to, std::ptrdiff_t blocks) {
        const std::lock_guard lock(mutex_);
        lists_[index].move_to(to, blocks);
    }
    void give(std::size_t index, FreeList& from, std::ptrdiff_t blocks) {
        const std::lock_guard lock(mutex_);
        from.move_to(lists_[index], blocks);
    }
    void release() noexcept {
        const std::lock_guard lock(mutex_);
        for (FreeList& list : lists_) list.release();
    }

  private:
    std::mutex mutex_;
    FreeLists lists_;
};

/// A thread's own blocks. Without constructor and destructor, so that they are reached without a test whether
/// they exist, and outlive every other object of the thread. A list has no room until it is open.
struct Own {
    FreeLists lists;
    std::array<bool, class_count> is_open;
    bool is_over;
};
thread_local constinit Own own{};

/// Gives a thread's blocks back when it ends; what it frees after that goes to the depot.
struct Ending {
    ~Ending() {
        own.is_over = true;
        for (FreeList& list : own.lists) {
            list.release();
            list.room = 0;
        }
        own.is_open.fill(false);
    }
};

/// Returns how many blocks the thread keeps.
std::ptrdiff_t open(SizeClass size) {
    if (own.is_over) return 0;
    static thread_local Ending ending;
    static_cast<void>(ending);
    const std::ptrdiff_t kept = kept_count(size.bytes);
    if (!std::exchange(own.is_open[size.index], true)) own.lists[size.index].room += kept;
    return kept;
}

[[gnu::noinline]] void* take_elsewhere(SizeClass size) {
    FreeList& list = own.lists[size.index];
    Depot::instance().take(size.index, list, std::max<std::ptrdiff_t>(open(size) / 2, 1));
    if (list.head == nullptr) {
        void* const block = std::aligned_alloc(line, size.bytes);
        if (block == nullptr) throw std::bad_alloc();
        return block;
    }
    FreeBlock* const block = list.pop();
    ASAN_UNPOISON_MEMORY_REGION(block, size.bytes);
    return block;
}

/// After a block for which there was no room.
[[gnu::noinline]] void give_elsewhere(SizeClass size) noexcept {
    const std::ptrdiff_t kept = open(size);
    FreeList& list = own.lists[size.index];
    if (list.room < 0) Depot::instance().give(size.index, list, kept / 2 - list.room);
}

}  // namespace

namespace detail {

void* pool_allocate(std::size_t bytes) {
    if (bytes > most_bytes) throw std::bad_alloc();
    const SizeClass size = size_class(bytes);
    FreeList& list = own.lists[size.index];
    if (list.head == nullptr) [[unlikely]]
        return take_elsewhere(size);
    FreeBlock* const block = list.pop();
    ASAN_UNPOISON_MEMORY_REGION(block, size.bytes);
    return block;
}

void pool_free(void* memory, std::size_t bytes) noexcept {
    if (memory == nullptr) return;
    const SizeClass size = size_class(bytes);
    auto* const block = static_cast<FreeBlock*>(memory);
    FreeList& list = own.lists[size.index];
    list.push(block);
    // The link stays readable; everything behind it is poisoned, so a use after free is still found.
    ASAN_POISON_MEMORY_REGION(block + 1, size.bytes - sizeof(FreeBlock));
    if (list.room < 0) [[unlikely]]
        give_elsewhere(size);
}

}  // namespace detail

void release_pooled_memory() noexcept {
    for (FreeList& list : own.lists) list.release();
    Depot::instance().release();
}

}  // namespace tapeloop
