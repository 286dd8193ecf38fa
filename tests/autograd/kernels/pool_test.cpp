#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/kernels/pool.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

bool is_aligned(const void* block) { return reinterpret_cast<std::uintptr_t>(block) % 64 == 0; }

// Freed when this thread's pool is gone already.
Tensor<double> with_static_storage = filled({1000}, 1);
std::vector<Tensor<float>> several_with_static_storage;
thread_local Tensor<double> of_each_thread;

}  // namespace

TEST_CASE("pool: every block is aligned to 64 bytes, and as large as it was asked to be") {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t bytes = 0; bytes < 5000; bytes += 13)
        blocks.emplace_back(tapeloop::detail::pool_allocate(bytes), bytes);
    for (std::size_t bytes = 8192; bytes < 40'000'000; bytes = bytes * 3 / 2) {
        blocks.emplace_back(tapeloop::detail::pool_allocate(bytes), bytes);
        blocks.emplace_back(tapeloop::detail::pool_allocate(bytes + 1), bytes + 1);
    }
    std::set<void*> different;
    for (const auto& [block, bytes] : blocks) {
        CHECK(is_aligned(block));
        CHECK(different.insert(block).second);
        std::memset(block, static_cast<int>(bytes % 251), bytes);
    }
    for (const auto& [block, bytes] : blocks) {
        const auto* bytes_of_block = static_cast<const unsigned char*>(block);
        if (bytes > 0) CHECK(bytes_of_block[0] == bytes % 251);
        if (bytes > 0) CHECK(bytes_of_block[bytes - 1] == bytes % 251);
        tapeloop::detail::pool_free(block, bytes);
    }
    release_pooled_memory();
}

TEST_CASE("pool: a freed block is handed out again, to whatever fits") {
    void* const first = tapeloop::detail::pool_allocate(1000);
    tapeloop::detail::pool_free(first, 1000);
    void* const again = tapeloop::detail::pool_allocate(1010);
    CHECK(again == first);
    void* const other = tapeloop::detail::pool_allocate(1000);
    CHECK(other != again);
    tapeloop::detail::pool_free(again, 1010);
    tapeloop::detail::pool_free(other, 1000);
    tapeloop::detail::pool_free(nullptr, 100);
    release_pooled_memory();
    release_pooled_memory();
    void* const fresh = tapeloop::detail::pool_allocate(1000);
    CHECK(is_aligned(fresh));
    tapeloop::detail::pool_free(fresh, 1000);
}

namespace {

/// Batches that one thread makes, and another uses and frees.
class Batches {
  public:
    void put(std::vector<Tensor<double>> batch) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return batches_.size() < 4; });
        batches_.push_back(std::move(batch));
        changed_.notify_all();
    }
    std::vector<Tensor<double>> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !batches_.empty(); });
        std::vector<Tensor<double>> batch = std::move(batches_.front());
        batches_.pop_front();
        changed_.notify_all();
        return batch;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::vector<Tensor<double>>> batches_;
};

// A megabyte, a small one, and some that lie in between.
const std::vector<std::size_t> batch_sizes{131'072, 3, 5'000, 40'000};

std::vector<Tensor<double>> batch_of_megabyte() {
    std::vector<Tensor<double>> batch;
    for (std::size_t size : batch_sizes) batch.push_back(filled({size}, 1));
    return batch;
}

/// Returns how much memory the batches of `count` lay in, made by `threads` threads one after the other.
std::size_t bytes_of_batches(std::size_t count, std::size_t threads) {
    Batches batches;
    std::map<const double*, std::size_t> places;
    std::thread producers([&] {
        for (std::size_t k = 0; k < threads; ++k)
            std::thread([&] {
                for (std::size_t i = 0; i < count / threads; ++i) batches.put(batch_of_megabyte());
            }).join();
    });
    for (std::size_t i = 0; i < count; ++i)
        for (const Tensor<double>& part : batches.take()) places[part.data()] = part.size() * sizeof(double);
    producers.join();
    std::size_t bytes = 0;
    for (const auto& [place, size] : places) bytes += size;
    return bytes;
}

}  // namespace

TEST_CASE("pool: what one thread makes and another frees comes back: 2,000 batches, one maker") {
    // What is on its way, what either thread keeps, and what waits for both: not the 2.8 GB that were made.
    CHECK(bytes_of_batches(2'000, 1) < 60'000'000);
    release_pooled_memory();
}

TEST_CASE("pool: the same with a new maker for each ten") {
    std::size_t bytes_before = 0;
    std::size_t bytes_after = 0;
    const auto resident = [] {
        std::ifstream status("/proc/self/statm");
        std::size_t pages = 0;
        status >> pages >> pages;
        return pages * 4096;
    };
    static_cast<void>(bytes_of_batches(100, 10));
    bytes_before = resident();
    static_cast<void>(bytes_of_batches(2'000, 200));
    bytes_after = resident();
    CHECK(bytes_after < bytes_before + 100'000'000);
    release_pooled_memory();
}

TEST_CASE("pool: small blocks, too, come back from a thread that only frees") {
    std::set<void*> places;
    constexpr std::size_t at_once = 100'000;
    for (int round = 0; round < 20; ++round) {
        std::vector<void*> blocks(at_once);
        for (void*& block : blocks) places.insert(block = tapeloop::detail::pool_allocate(64));
        std::thread([&] {
            for (void* block : blocks) tapeloop::detail::pool_free(block, 64);
        }).join();
    }
    CHECK(places.size() < 6 * at_once);
    release_pooled_memory();
}

TEST_CASE("pool: too large is an error, not a small block") {
    CHECK_THROWS_AS(PoolAllocator<double>().allocate(static_cast<std::size_t>(-1) / 4), std::bad_alloc);
}

TEST_CASE("tensor: values, results and gradients are aligned") {
    Tape<float> tape;
    for (std::size_t size : {1U, 3U, 16U, 17U, 1000U, 100'000U}) {
        const Tensor<float> value = Tensor<float>(xt::ones<float>({size}));
        CHECK(is_aligned(value.data()));
        const Var<float> x = input(value);
        const Var<float> y = x * 2;
        CHECK(is_aligned(x.array().data()));
        CHECK(is_aligned(y.array().data()));
        CHECK(is_aligned(y.value().data()));
        CHECK(is_aligned(gradient(sum(y), {x})[x].data()));
    }
}

TEST_CASE("tensor: freed in another thread, and there handed out again") {
    std::vector<Tensor<double>> made;
    std::thread maker([&] {
        for (std::size_t i = 0; i < 200; ++i) made.push_back(filled({100 + i}, static_cast<double>(i)));
        of_each_thread = filled({64}, 1);
    });
    maker.join();
    for (std::size_t i = 0; i < made.size(); ++i) CHECK(made[i][99] == static_cast<double>(i));
    made.clear();
    std::vector<Tensor<double>> again;
    for (std::size_t i = 0; i < 200; ++i) again.push_back(filled({100 + i}, 7));
    std::thread([moved = std::move(again)]() mutable { moved.clear(); }).join();
    of_each_thread = filled({64}, 2);
    CHECK(of_each_thread[63] == 2);
}

TEST_CASE("tensor: with static storage it may be filled at any time") {
    for (std::size_t i = 0; i < 20; ++i)
        several_with_static_storage.push_back(rounded<float>(filled({10 * i}, static_cast<double>(i))));
    with_static_storage = filled({5000}, 3);
    CHECK(with_static_storage[4999] == 3);
    CHECK(several_with_static_storage[19][189] == 19);
}

TEST_CASE("tensor: an xtensor expression converts into one, and a value into an expression") {
    Tape<double> tape;
    const Tensor<double> t =
        xt::concatenate(xt::xtuple(tensor({1, 3}, {0, 1, 2}), tensor({1, 3}, {3, 4, 5}))) * 2.0;
    const Var<double> x = input(t);
    const xt::xarray<double> sums = xt::sum(x.value() + 1.0, {1});
    CHECK(sums(0) == 9);
    CHECK(sums(1) == 27);
    const Tensor<double> transposed = xt::transpose(t);
    CHECK(transposed.shape()[0] == 3);
    CHECK(transposed(2, 1) == 10);
    check_same_bits(input(xt::view(t, 1)).value(), vector({6, 8, 10}));
}
