#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/tape.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Values and gradients of passes that are large enough to be shared: contiguous ones, rows of packed gates,
/// a bias along the rows, whose cotangent is summed over them, and a column that broadcasts.
Tensors values(bool alone) {
    std::optional<OneThread> one;
    if (alone) one.emplace();
    constexpr std::size_t rows = 301;
    constexpr std::size_t width = 203;
    Random random("shared");
    Tape<double> tape;
    const Var<double> packed = input(random.tensor({rows, 2 * width}));
    const Var<double> x = input(random.tensor({rows, width}));
    const Var<double> bias = input(random.tensor({width}));
    const Var<double> column = input(random.tensor({rows, 1}));
    const Var<double> mapped = map(
        [](auto gates, auto value, auto shift) {
            auto [a, b] = gates;
            return sigmoid(a) * tanh(b + shift) * value;
        },
        gates<2>(packed), x, bias);
    const Var<double> J = sum(exp(mapped * column) + tanh(x) * bias);
    Tensors all{mapped.value(), J.value()};
    for (const Tensor<double>& g : gradient(J, {packed, x, bias, column})) all.push_back(g);
    return all;
}

}  // namespace

TEST_CASE("threads: a shared pass gives the bits of one thread") {
    REQUIRE(301 * 203 * 3 > tapeloop::detail::worth_sharing);
    const Tensors shared = values(false);
    const Tensors alone = values(true);
    for (std::size_t k = 0; k < shared.size(); ++k) check_same_bits(shared[k], alone[k]);
}

TEST_CASE("threads: parts are all run, once") {
    std::vector<int> runs(5, 0);
    tapeloop::detail::in_parallel(runs.size(), [&](std::size_t part) { ++runs[part]; });
    CHECK(runs == std::vector<int>(5, 1));
}

TEST_CASE("threads: one alone, as long as its scope") {
    const std::size_t before = thread_count();
    {
        const OneThread scope;
        CHECK(thread_count() == 1);
    }
    CHECK(thread_count() == before);
}

TEST_CASE("threads: parts may have parts, and several threads share at once") {
    constexpr std::size_t count = 4;
    std::array<std::atomic<int>, count> sums{};
    const auto share = [&sums](std::size_t mine) {
        for (int round = 0; round < 500; ++round)
            tapeloop::detail::in_parallel(3, [&](std::size_t outer) {
                tapeloop::detail::in_parallel(
                    2, [&](std::size_t inner) { sums[mine] += static_cast<int>(2 * outer + inner); });
            });
    };
    std::vector<std::thread> threads;
    for (std::size_t mine = 1; mine < count; ++mine) threads.emplace_back(share, mine);
    share(0);
    for (std::thread& one : threads) one.join();
    for (const auto& sum : sums) CHECK(sum == 500 * 15);
}

TEST_CASE("threads: a process that has forked shares with helpers of its own") {
    const auto has_run_all = [] {
        std::atomic<int> runs = 0;
        for (int round = 0; round < 100; ++round)
            tapeloop::detail::in_parallel(2, [&](std::size_t) { ++runs; });
        return runs == 200;
    };
    REQUIRE(has_run_all());
    const pid_t child = fork();
    if (child == 0) _exit(has_run_all() ? 7 : 8);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
}

namespace {

struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The function given to `map`, which throws once it is told to.
template <class A>
auto refusing(const bool& is_over, const A& a) {
    if (is_over) throw Refused("no more");
    return a * a;
}

}  // namespace

TEST_CASE("threads: what a part throws arrives at the caller, that of the first part") {
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> runs = 0;
        const auto part = [&](std::size_t k) {
            ++runs;
            if (k >= 2) throw Refused("part " + std::to_string(k));
        };
        CHECK(text_of<Refused>([&] { tapeloop::detail::in_parallel(7, part); }) == "part 2");
        CHECK(runs == 7);
    }
    tapeloop::detail::in_parallel(3, [](std::size_t) {});
}

TEST_CASE("threads: a function given to map throws, and the tape is as before") {
    REQUIRE(400'000 > tapeloop::detail::worth_sharing);
    for (const std::size_t size : {std::size_t{5}, std::size_t{400'000}})
        for (const bool alone : {false, true}) {
            CAPTURE(size);
            std::optional<OneThread> one;
            if (alone) one.emplace();
            const auto is_over = std::make_shared<bool>(true);
            const auto f = [is_over](auto a) { return refusing(*is_over, a); };
            Parameter<double> p("p", filled({size}, 3));
            Tape<double> tape;
            const auto before = tape.mark();
            CHECK_THROWS_AS(map(f, p), Refused);
            CHECK(tape.mark() == before);
            CHECK(tape.find(p.storage().get()) == nullptr);

            *is_over = false;
            const Var<double> J = sum(map(f, p));
            const auto recorded = tape.mark();
            *is_over = true;
            CHECK_THROWS_AS(gradient(J, {p}), Refused);
            CHECK_THROWS_AS(gradient_graph(J, {p}), Refused);
            CHECK(tape.mark() == recorded);
            *is_over = false;
            check_close(gradient(J, {p})[p], filled({size}, 6));
        }
}
