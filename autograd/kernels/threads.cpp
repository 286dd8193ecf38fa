#include <autograd/kernels/threads.hpp>

#include <exception>
#include <mutex>

#if defined(_OPENMP)
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#endif

namespace tapeloop {

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

/// Work in parts, and what they throw.
struct Work {
    void (*run)(const void*, std::size_t);
    const void* context;
    Thrown thrown;

    void run_part(std::size_t part) noexcept {
        try {
            run(context, part);
        } catch (...) {
            thrown.note(part);
        }
    }
    void run_alone(std::size_t parts) noexcept {
        for (std::size_t part = 0; part < parts; ++part) run_part(part);
    }
};

}  // namespace

#if defined(_OPENMP)

// The number of threads is OpenMP's, for oneDNN and users set it there. Its parallel regions are not used:
// they wait for all threads, and one whose core another program keeps busy comes milliseconds late, to every
// region. Here whoever is there takes the next part, and a helper that does not come has nothing to do.

std::size_t thread_count() {
    return omp_in_parallel() != 0 ? 1 : static_cast<std::size_t>(omp_get_max_threads());
}

std::size_t limit_threads(std::size_t count) {
    const int before = omp_get_max_threads();
    if (before != static_cast<int>(count)) omp_set_num_threads(static_cast<int>(count));
    return static_cast<std::size_t>(before);
}

namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/// Threads that help with the parts of one piece of work at a time. They spin for the next one as long as it
/// takes to wake one, then sleep.
class Helpers {
  public:
    /// The process's own; one that has forked has none of its parent's threads, and begins anew.
    static Helpers& own() {
        static std::atomic<Helpers*> current = nullptr;
        Helpers* found = current.load();
        while (found == nullptr || found->process_ != getpid()) {
            // Never destroyed: helpers sleep until the process ends.
            auto* const fresh = new Helpers;
            if (current.compare_exchange_strong(found, fresh)) return *fresh;
            delete fresh;
        }
        return *found;
    }

    /// Shares the parts with as many helpers as there may be. Returns false at once when these are at work
    /// for another thread, or for the piece of work that this part belongs to.
    bool share(std::size_t parts, Work& work) {
        if (parts > most_parts || taken_.exchange(true)) return false;
        hire(std::min(parts, thread_count()) - 1);
        work_ = &work;
        unfinished_.store(parts);
        const std::uint32_t round = (state_.load() >> round_shift) + 1;
        state_.store(round << round_shift | static_cast<std::uint32_t>(parts));
        state_.notify_all();
        while (take_part()) {
        }
        for (std::size_t turn = 0; unfinished_.load() > 0; ++turn) {
            if (turn < turns_of_spinning)
                pause();
            else
                std::this_thread::yield();  // to a helper that may need this core
        }
        taken_.store(false);
        return true;
    }

  private:
    static constexpr std::size_t most_parts = 0xffff;
    static constexpr unsigned round_shift = 16;
    static constexpr std::size_t turns_of_spinning = 4'000;

    void hire(std::size_t count) {
        for (; hired_ < count; ++hired_) try {
                std::thread([this] { help(); }).detach();
            } catch (const std::exception&) {  // no more threads, or no memory for one
                return;                        // the parts are done by those that there are
            }
    }

    /// Runs a part that nobody has taken; returns false if there is none.
    bool take_part() {
        std::uint32_t state = state_.load();
        std::uint32_t part = 0;
        do {
            part = state & most_parts;
            if (part == 0) return false;
        } while (!state_.compare_exchange_weak(state, state - 1));
        // As long as this part is not finished, the work stays what it is.
        work_->run_part(part - 1);
        unfinished_.fetch_sub(1);
        return true;
    }

    [[noreturn]] void help() {
        omp_set_num_threads(1);
        for (;;) {
            const std::uint32_t seen = state_.load();
            if (take_part()) continue;
            std::size_t turn = 0;
            while (turn < turns_of_spinning && state_.load() == seen) {
                pause();
                ++turn;
            }
            if (turn == turns_of_spinning) state_.wait(seen);
        }
    }

    const pid_t process_ = getpid();
    std::atomic<bool> taken_ = false;
    std::size_t hired_ = 0;
    Work* work_ = nullptr;
    /// How many pieces of work there were, and how many parts of the last are still to be taken.
    std::atomic<std::uint32_t> state_ = 0;
    std::atomic<std::size_t> unfinished_ = 0;
};

}  // namespace

namespace detail {

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    Work work{run, context, {}};
    if (parts < 2 || thread_count() < 2 || !Helpers::own().share(parts, work)) work.run_alone(parts);
    work.thrown.rethrow();
}

}  // namespace detail

#else

std::size_t thread_count() { return 1; }

std::size_t limit_threads(std::size_t /*count*/) { return 1; }

namespace detail {

void run_parts(std::size_t parts, void (*run)(const void*, std::size_t), const void* context) {
    Work work{run, context, {}};
    work.run_alone(parts);
    work.thrown.rethrow();
}

}  // namespace detail

#endif

}  // namespace tapeloop
