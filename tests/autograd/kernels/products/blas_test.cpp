#include <autograd/kernels/products/blas.hpp>
#include <autograd/kernels/products/gemm.hpp>
#include <autograd/kernels/threads.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <thread>
#include <vector>

using namespace tapeloop;

extern "C" {
[[gnu::weak]] int openblas_get_num_threads(void);
[[gnu::weak]] void openblas_set_num_threads(int count);
}

// AddressSanitizer takes memory of its own beside what is limited.
#if defined(__SANITIZE_ADDRESS__)
#define TAPELOOP_UNDER_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAPELOOP_UNDER_ADDRESS_SANITIZER
#endif
#endif

namespace {

int threads() { return openblas_get_num_threads == nullptr ? 1 : openblas_get_num_threads(); }

/// Runs in a process of its own that may take `bytes` more than it has, on a thread that has no buffer yet.
template <class F>
bool holds_with_memory(std::size_t bytes, const F& f) {
    const pid_t child = fork();
    if (child == 0) {
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const rlim_t most = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
        const rlimit limit{most, most};
        setrlimit(RLIMIT_AS, &limit);
        bool holds = false;
        std::thread([&] { holds = f(); }).join();
        _exit(holds ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("blas scope: small matrices stay on one thread, and the number is as before afterwards") {
    if (openblas_set_num_threads == nullptr) return;
    const int before = threads();
    openblas_set_num_threads(2);
    {
        const tapeloop::detail::BlasScope small(100);
        CHECK(threads() == 1);
        {
            const tapeloop::detail::BlasScope inside(100);
            CHECK(threads() == 1);
        }
        CHECK(threads() == 1);
        std::thread([] { const tapeloop::detail::BlasScope beside(100); }).join();
        CHECK(threads() == 1);
    }
    CHECK(threads() == 2);
    {
        const tapeloop::detail::BlasScope large(4096 * 4096);
        CHECK(threads() == 2);
    }
    CHECK(threads() == 2);
    openblas_set_num_threads(before);
}

#if !defined(TAPELOOP_UNDER_ADDRESS_SANITIZER)
TEST_CASE("blas: where its buffer finds no memory, it is not called") {
    if (openblas_set_num_threads == nullptr) return;
    constexpr std::size_t little = std::size_t{64} << 20;
    CHECK(holds_with_memory(std::size_t{600} << 20, [] { return tapeloop::detail::blas_has_memory(); }));
    CHECK(holds_with_memory(little, [] { return !tapeloop::detail::blas_has_memory(); }));
    CHECK(holds_with_memory(little, [] {
        try {
            const tapeloop::detail::BlasScope scope(100);
        } catch (const std::bad_alloc&) {
            return true;
        }
        return false;
    }));
    SUBCASE("products are computed without") {
        const auto is_computed = []<class T>(T one) {
            const OneThread scope;  // others take memory of their own
            constexpr std::size_t n = 200;
            const std::vector<T> a(n * n, T(0.5));
            std::vector<T> c(n * n, one);
            tapeloop::detail::gemm<T>({}, n, n, n, a.data(), n, a.data(), n, one, c.data(), n);
            return std::all_of(c.begin(), c.end(), [](T value) { return value == T(1 + 0.25 * n); });
        };
        CHECK(holds_with_memory(little, [&] { return is_computed(1.0); }));
        // Of float, large ones are oneDNN's, which ends the program with less still.
        CHECK(holds_with_memory(little / 2 - (std::size_t{4} << 20), [&] { return is_computed(1.0F); }));
    }
}
#endif
