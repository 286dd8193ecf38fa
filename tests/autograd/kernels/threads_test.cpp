#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/tape.hpp>

#include <optional>

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
    REQUIRE(301 * 203 * 3 > worth_sharing);
    const Tensors shared = values(false);
    const Tensors alone = values(true);
    for (std::size_t k = 0; k < shared.size(); ++k) check_same_bits(shared[k], alone[k]);
}

TEST_CASE("threads: parts are all run, once") {
    std::vector<int> runs(5, 0);
    in_parallel(runs.size(), [&](std::size_t part) { ++runs[part]; });
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
