#include "work.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <nn/training.hpp>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/shards.hpp>
#include <optim/sgd.hpp>

#include <stdexcept>
#include <string>

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE("ranks: a broadcast gives all what one has") {
    const std::size_t last = ranks().count() - 1;
    CHECK(ranks().broadcast(10 + ranks().rank(), last) == 10 + last);
    std::vector<float> values(1000, static_cast<float>(ranks().rank()));
    ranks().broadcast(std::span(values), last);
    CHECK(values == std::vector<float>(1000, static_cast<float>(last)));
    CHECK(ranks().is_first() == (ranks().rank() == 0));
}

TEST_CASE("ranks: one that does something else is told to all, and all can go on") {
    if (ranks().count() == 1) return;
    const std::string text = thrown_by([] {
        std::array<char, 4> bytes{};
        ranks().broadcast(std::span<char>(bytes).first(ranks().rank() == 1 ? 3 : 4));
    });
    CHECK(text ==
          "Ranks: rank 0 broadcasts 4 bytes from rank 0, and rank 1 broadcasts 3 bytes from rank 0; all "
          "ranks must do the same in the same order");
    CHECK(ranks().broadcast(5) == 5);
}

// A mean of the shards' means would be another number: their rows differ in length.
TEST_CASE("data parallel: loss and gradients are those of one tape with the whole batch") {
    Work<double> work;
    work.model.dropout.rate = 0;
    const auto [loss, count, gradients] = work.gradient();
    const optim::BatchLoss evaluated =
        work.parallel.loss(work.picked.size(), [&](const optim::Shard& shard) { return work.loss(shard); });

    const RowBatch<double> batch(work.rows, work.picked);
    const Tape<double> tape;
    const Var<double> J = work.model.loss(batch, nn::Reduction::mean);
    const Gradients<double> expected = gradient(J, work.model.parameters());
    CHECK(count == static_cast<double>(batch.count()));
    CHECK(loss == doctest::Approx(J.item()).epsilon(1e-12));
    CHECK(evaluated.loss == loss);
    CHECK(evaluated.count == count);
    for (std::size_t i = 0; i < expected.size(); ++i)
        for (std::size_t k = 0; k < expected.at(i).size(); ++k)
            CHECK(std::abs(gradients.at(i).flat(k) - expected.at(i).flat(k)) < 1e-13);
}

// Each rank computes all shards by hand here, so that equal bits on 1 rank and on 8 follow.
TEST_CASE_TEMPLATE("data parallel: the bits are those of all shards summed in a tree, on any number of ranks",
                   T, float, double) {
    for (const std::size_t shards : {std::size_t{8}, std::size_t{11}}) {
        constexpr std::uint64_t seed = 5;
        Work<T> work(1, {.shards = shards, .seed = seed});
        const auto [loss, count, gradients] = work.gradient();

        std::vector<Gradients<T>> of_shards;
        std::vector<double> sums;
        double all = 0;
        for (std::size_t i = 0; i < shards; ++i) {
            const auto [begin, end] = optim::detail::part_of(work.picked.size(), i, shards);
            nn::Generator generator(optim::detail::mixed_seed({seed, 0, i}));
            const nn::Training training(generator);
            const Tape<T> tape;
            const auto one = work.loss({i, begin, end, work.picked.size(), generator});
            of_shards.push_back(tapeloop::gradient(one.sum, work.model.parameters()));
            sums.push_back(static_cast<double>(one.sum.item()));
            all += one.count;
        }
        const auto pair_up = [](auto& list, const auto& add) {
            for (std::size_t distance = 1; distance < list.size(); distance *= 2)
                for (std::size_t i = 0; i + distance < list.size(); i += 2 * distance)
                    add(list[i], list[i + distance]);
        };
        pair_up(of_shards, [](auto& left, const auto& right) { left += right; });
        pair_up(sums, [](double& left, double right) { left += right; });
        of_shards[0] *= 1 / all;
        CHECK(loss == sums[0] / all);
        CHECK(count == all);
        for (std::size_t i = 0; i < gradients.size(); ++i)
            CHECK(same_bits(gradients.at(i), of_shards[0].at(i)));
        CHECK(gradients.norm() > 0.01);
    }
}

TEST_CASE("data parallel: masks differ from shard to shard and from step to step, and repeat with the seed") {
    const auto two_steps = [](std::uint64_t seed) {
        Work<double> work(1, {.seed = seed});
        work.rows.assign(work.rows.size(), work.rows[3]);  // all shards alike, but for their masks
        std::vector<double> losses;
        for (int step = 0; step < 2; ++step) {
            const auto learned = work.gradient();
            losses.push_back(learned.loss);
            Gradients<double> none = learned.gradients;
            none *= 0;
            work.adam.step(none);
        }
        return losses;
    };
    const auto losses = two_steps(3);
    CHECK(losses[0] != losses[1]);
    CHECK(two_steps(3) == losses);
    CHECK(two_steps(4)[0] != losses[0]);
    std::vector<std::uint64_t> drawn(8, 0);
    Work<double> work;
    work.gradient();
    work.parallel.gradient(work.picked.size(), [&](const optim::Shard& shard) {
        drawn[shard.index] = shard.generator.bits();
        return work.loss(shard);
    });
    for (std::size_t shard = 0; shard < 8; ++shard)
        ranks().broadcast(std::span(&drawn[shard], 1), work.parallel.owner(shard));
    std::ranges::sort(drawn);
    CHECK(std::ranges::adjacent_find(drawn) == drawn.end());
    CHECK(drawn[0] != 0);
}

TEST_CASE("data parallel: all ranks begin with the weights and the optimizer's state of rank 0") {
    Work<float> first(1);
    first.adam.set_learning_rate(0.02);
    first.adam.step(first.gradient().gradients);
    // Ranks behind the first have weights, moments and steps of their own.
    nn::Generator generator(100 + ranks().rank());
    Tagger<float> model(5, generator);
    optim::Adam<float> adam(model.parameters(), {.learning_rate = 0.03});
    if (ranks().is_first()) {
        adam.restore(first.adam.state());
        for (std::size_t i = 0; i < model.parameters().size(); ++i)
            model.parameters()[i].parameter->assign(first.model.parameters()[i].parameter->value());
    }
    optim::DataParallel<float> parallel(ranks(), model.parameters(), adam);
    CHECK(adam.steps() == 1);
    CHECK(adam.learning_rate() == 0.02);
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
        CHECK(same_bits(model.parameters()[i].parameter->value(),
                        first.model.parameters()[i].parameter->value()));
        for (std::size_t k = 0; k < 2; ++k)
            CHECK(same_bits(adam.state().entries[i].running[k], first.adam.state().entries[i].running[k]));
    }
}

TEST_CASE(
    "data parallel: what a shard throws is thrown on all ranks, and the next step is as if it were not") {
    Work<float> work;
    Work<float> other;
    const std::size_t bad = work.parallel.shards() - 1;
    const std::string text = thrown_by([&] {
        work.parallel.gradient(work.picked.size(), [&](const optim::Shard& shard) {
            if (shard.index == bad) throw std::invalid_argument("row 17 is no good");
            return work.loss(shard);
        });
    });
    const std::string prefix = ranks().count() == 1 ? "" : fmt::format("rank {}: ", ranks().count() - 1);
    CHECK(text == prefix + "row 17 is no good");
    const std::string of_loss = thrown_by([&] {
        work.parallel.loss(work.picked.size(), [&](const optim::Shard& shard) {
            return optim::ShardLoss<float>(work.loss(shard).sum, shard.index == bad ? -1 : 1);
        });
    });
    CHECK(of_loss == prefix + "ShardLoss: of shard 7, -1 things count; it must be a number from 0");
    const auto after = work.gradient();
    const auto expected = other.gradient();
    CHECK(after.loss == expected.loss);
    for (std::size_t i = 0; i < after.gradients.size(); ++i)
        CHECK(same_bits(after.gradients.at(i), expected.gradients.at(i)));
}

TEST_CASE("data parallel: a batch of another size on one rank is told") {
    if (ranks().count() == 1) return;
    Work<float> work;
    if (ranks().rank() == 1) work.picked.pop_back();
    const std::string text = thrown_by([&] { work.gradient(); });
    CHECK(text ==
          "Ranks: rank 0 asks for a gradient of 19 rows after 0 steps, and rank 1 asks for a gradient of 18 "
          "rows after 0 steps; all ranks must do the same in the same order");
}

TEST_CASE("data parallel: bits that are others on one rank are found, and named") {
    if (ranks().count() == 1) return;
    const std::size_t last = ranks().count() - 1;
    Work<float> work(1, {.compare_every = 2});
    const auto step = [&] { work.adam.step(work.gradient().gradients); };
    step();
    if (ranks().rank() == last) work.model.output.c.update()[2] += 0.25F;
    step();  // step 1 is not compared
    CHECK(thrown_by(step) ==
          fmt::format("DataParallel: after 2 steps parameter 'output/{}' has other bits on "
                      "rank {} than on rank 0; all ranks must change it in the same way",
                      work.model.output.c.name(), last));

    Work<float> other;
    auto state = other.adam.state();
    if (ranks().rank() == last) state.entries[1].running[1].flat(0) = 1e-30F;
    other.adam.restore(state);
    CHECK(thrown_by([&] { other.parallel.require_same_bits(); }) ==
          fmt::format(
              "DataParallel: after 0 steps the optimizer's state of '{}' has other bits on rank {} than "
              "on rank 0; all ranks must change it in the same way",
              state.entries[1].path, last));
    Work<float> third;
    if (ranks().rank() == last) third.adam.set_learning_rate(0.5);
    CHECK(thrown_by([&] { third.gradient(); }) != "");
}

TEST_CASE("data parallel: another shape, optimizer or option on one rank is told at the start") {
    if (ranks().count() == 1) return;
    const bool is_other = ranks().rank() == 1;
    CHECK(thrown_by([&] { Work<float>(1, {}, is_other ? 6 : 5); }) ==
          "rank 1: DataParallel: it has parameter 'cell/U' [3, 24] where rank 0 has parameter 'cell/U' [3, "
          "20]; all ranks must make the same model, optimizer and options");
    CHECK(thrown_by([&] { Work<float>(1, {.seed = is_other ? 2U : 1U}); }) ==
          "rank 1: DataParallel: it has the seed 2 where rank 0 has the seed 1; all ranks must make the same "
          "model, optimizer and options");
    nn::Generator generator(1);
    Tagger<float> model(5, generator);
    optim::Adam<float> adam(model.parameters());
    optim::Sgd<float> sgd(model.parameters(), {.learning_rate = 0.1});
    optim::Optimizer<float>& one = is_other ? static_cast<optim::Optimizer<float>&>(sgd) : adam;
    CHECK(
        thrown_by([&] { optim::DataParallel<float>(ranks(), model.parameters(), one); }) ==
        "rank 1: DataParallel: it has the optimizer sgd where rank 0 has the optimizer adam; all ranks must "
        "make the same model, optimizer and options");
    Work<float> goes_on;
    CHECK(goes_on.gradient().count > 0);
}

TEST_CASE("data parallel: more ranks than shards, and no shards, are refused on all ranks") {
    const auto with = [](optim::DataParallelOptions options) { Work<float>(1, options); };
    if (ranks().count() > 1)
        CHECK_THROWS_WITH_AS(with({.shards = ranks().count() - 1}),
                             doctest::Contains("give as many shards as ranks, or more"),
                             std::invalid_argument);
    CHECK_THROWS_AS(with({.shards = 0}), std::invalid_argument);
    CHECK_THROWS_AS(with({.compare_every = 0}), std::invalid_argument);
}

TEST_CASE("data parallel: a batch with fewer rows than shards, and one without, leave shards idle") {
    Work<double> work;
    work.model.dropout.rate = 0;
    work.picked.resize(3);
    const auto three = work.gradient();
    const RowBatch<double> batch(work.rows, work.picked);
    const Tape<double> tape;
    const Var<double> J = work.model.loss(batch, nn::Reduction::mean);
    CHECK(three.loss == doctest::Approx(J.item()).epsilon(1e-12));
    CHECK(std::abs(three.gradients.norm() - gradient(J, work.model.parameters()).norm()) < 1e-12);
    work.picked.clear();
    const auto none = work.gradient();
    CHECK(none.loss == 0);
    CHECK(none.count == 0);
    CHECK(none.gradients.norm() == 0);
}

TEST_CASE("data parallel: each rank sends 2 (n - 1) / n times the bytes of the gradients") {
    Work<double> work;
    work.gradient();
    const optim::Traffic& traffic = work.parallel.traffic();
    const std::size_t n = ranks().count();
    CHECK(traffic.gradients == 1);
    CHECK(traffic.messages >= 2 * (n - 1));  // one for each piece of a tensor
    CHECK(traffic.messages <= 2 * (n - 1) * 4 * work.model.parameters().size());
    if (8 % n != 0) return;  // a rank has several nodes of the tree to send
    const auto bytes = static_cast<double>(8 * work.model.parameters().value_count());
    const double expected = 2 * bytes * static_cast<double>(n - 1) / static_cast<double>(n);
    CHECK(std::abs(static_cast<double>(traffic.bytes) - expected) <= 8.0 * 2 * static_cast<double>(n));
}
