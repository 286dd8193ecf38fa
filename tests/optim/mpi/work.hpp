#pragma once

#include "ranks.hpp"
#include "task.hpp"

#include <optim/adam.hpp>
#include <optim/mpi/data_parallel.hpp>

#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>

namespace tapeloop::test {

/// A model, its optimizer, and rows; the same on all ranks but for what `seed` says.
template <class T>
struct Work {
    explicit Work(std::uint64_t seed = 1, optim::DataParallelOptions options = {}, std::size_t hidden = 5)
        : generator(seed),
          model(hidden, generator),
          adam(model.parameters(), {.learning_rate = 0.01}),
          parallel(ranks(), model.parameters(), adam, options) {
        nn::Generator of_rows(7);
        rows = drawn_rows<T>(30, of_rows);
        picked.resize(19);
        std::iota(picked.begin(), picked.end(), std::size_t{3});
    }

    optim::ShardLoss<T> loss(const optim::Shard& shard) const {
        const RowBatch<T> batch(rows, shard.of(picked));
        return optim::ShardLoss<T>(model.loss(batch, nn::Reduction::sum), batch.count());
    }
    optim::BatchGradient<T> gradient() {
        return parallel.gradient(picked.size(), [this](const optim::Shard& shard) { return loss(shard); });
    }

    nn::Generator generator;
    Tagger<T> model;
    optim::Adam<T> adam;
    std::vector<Row<T>> rows;
    std::vector<std::size_t> picked;
    optim::DataParallel<T> parallel;
};

template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
    return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// The text of what `work` throws as a runtime error; empty when it does not.
std::string thrown_by(const auto& work) {
    try {
        work();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

}  // namespace tapeloop::test
