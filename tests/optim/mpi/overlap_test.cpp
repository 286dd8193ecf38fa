#include "work.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <autograd/custom.hpp>
#include <autograd/ops/reduce.hpp>
#include <optim/mpi/exchange.hpp>

#include <chrono>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

template <class T>
void check_same_step(const optim::BatchGradient<T>& one, const optim::BatchGradient<T>& other) {
    CHECK(one.loss == other.loss);
    CHECK(one.count == other.count);
    REQUIRE(one.gradients.size() == other.gradients.size());
    for (std::size_t i = 0; i < one.gradients.size(); ++i)
        CHECK(same_bits(one.gradients.at(i), other.gradients.at(i)));
}

/// What the rules of an operation do in the sweep of a shard.
using Fault = std::function<void(std::size_t shard)>;

/// The gradient of a loss whose lowest operation, swept last, runs `fault`.
template <class T>
optim::BatchGradient<T> gradient_with(Work<T>& work, const Fault& fault) {
    return work.parallel.gradient(work.picked.size(), [&](const optim::Shard& shard) {
        const auto lowest = custom(
            "lowest", [](const auto& x) { return x; },
            [&fault, index = shard.index](const auto& g, const auto&, const auto&) {
                fault(index);
                return g;
            });
        const Var<T> bottom = lowest(*work.model.parameters()[0].parameter);
        const auto loss = work.loss(shard);
        return optim::ShardLoss<T>(loss.sum + sum(bottom), loss.count);
    });
}

}  // namespace

TEST_CASE_TEMPLATE("overlap: the bits are the same as without, in buckets of any size", T, float, double) {
    for (const std::size_t shards : {std::size_t{8}, std::size_t{11}}) {
        Work<T> without(1, {.shards = shards, .overlap = false});
        const auto expected = without.gradient();
        CHECK(expected.gradients.norm() > 0.01);
        CHECK(without.parallel.traffic().overlapped_seconds == 0);
        std::uint64_t messages = 0;
        for (const std::size_t bytes : {std::size_t{1} << 18, std::size_t{40}, std::size_t{1}}) {
            Work<T> work(1, {.shards = shards, .message_bytes = bytes});
            check_same_step(work.gradient(), expected);
            work.picked.resize(3);  // leaves the last shards without rows
            without.picked.resize(3);
            check_same_step(work.gradient(), without.gradient());
            without.picked = Work<T>(1, {.shards = shards}).picked;
            if (ranks().count() > 1) CHECK(work.parallel.traffic().messages > messages);
            messages = work.parallel.traffic().messages;
        }
    }
}

TEST_CASE("overlap: what is complete is summed while the rest is still awaited") {
    using optim::detail::SumOverRanks;
    const std::size_t n = ranks().count();
    constexpr std::size_t size = 5040;  // of a bucket, which any number of ranks up to 10 can share evenly
    const auto filled = [](double value) {
        Tensor<double> tensor = Tensor<double>::from_shape({size});
        tensor.fill(value);
        return tensor;
    };
    const auto own = 1 + static_cast<double>(ranks().rank());
    const Parameter<double> lower("lower", filled(0));
    const Parameter<double> upper("upper", filled(0));
    auto& communicator = ranks().communicator();
    SumOverRanks<double> sum(communicator, n, {lower, upper}, {}, size * sizeof(double) / n);
    sum.begin(0.5);
    sum.take(1, filled(own));
    const auto begin = std::chrono::steady_clock::now();
    // Slices and results of one gradient, and none of the other.
    while (sum.sent().messages < 2 * (n - 1) &&
           std::chrono::steady_clock::now() - begin < std::chrono::seconds(20))
        sum.advanced();
    CHECK(sum.sent().messages == 2 * (n - 1));
    communicator.meet({optim::detail::Meeting::Purpose::comparison});
    sum.take(0, filled(own));
    const Gradients<double> gradients = sum.finish();
    const auto expected = 0.25 * static_cast<double>(n * (n + 1));
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t k = 0; k < size; ++k) CHECK(gradients.at(i).flat(k) == expected);
    CHECK(sum.sent().messages == 4 * (n - 1));
}

TEST_CASE("overlap: what the sweep of a shard throws is thrown on all ranks, and they can go on") {
    const std::string prefix = ranks().count() == 1 ? "" : fmt::format("rank {}: ", ranks().count() - 1);
    for (const bool overlap : {true, false})
        for (const std::size_t bad : {std::size_t{7}, std::size_t{0}}) {
            CAPTURE(overlap);
            CAPTURE(bad);
            Work<float> work(1, {.overlap = overlap, .message_bytes = 64});
            Work<float> other(1, {.overlap = overlap});
            const std::string text = thrown_by([&] {
                gradient_with<float>(work, [&](std::size_t shard) {
                    if (shard == bad) throw std::invalid_argument("no rule today");
                });
            });
            const std::string from = bad == 7 || prefix.empty() ? prefix : "rank 0: ";
            CHECK(text == from + "no rule today");
            CHECK(work.parallel.traffic().gradients == 0);
            const auto nothing = [](std::size_t) {};
            check_same_step(gradient_with<float>(work, nothing), gradient_with<float>(other, nothing));
        }
}

TEST_CASE("overlap: ranks that overlap and ranks that do not are told at the start") {
    if (ranks().count() == 1) return;
    CHECK(thrown_by([&] { Work<float>(1, {.overlap = ranks().rank() != 1}); }) ==
          "rank 1: DataParallel: it has no overlap where rank 0 has an overlap; all ranks must make the same "
          "model, optimizer and options");
}
