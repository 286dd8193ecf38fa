// training KIND STEPS [CHECKPOINT]: trains on all ranks, and says on the first how it ended. KIND is
//   tagger   a model of the library, with dropout and rows of different lengths
//   cell     the cell of an example, which knows nothing of ranks
//   throw, kill, leave   as `tagger`, but one rank fails in step 5: by an exception, by a signal, by ending
//   early
#include "task.hpp"

#include <fmt/format.h>
#include <nn/files/checkpoint/checkpoint.hpp>
#include <optim/adam.hpp>
#include <optim/clip_by_norm.hpp>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/mpi.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

// The example as it stands, whose main is none here.
#define main single_process
#include "../../../examples/03_custom_cell.cpp"
#undef main

namespace {

using namespace tapeloop::test;

constexpr std::uint64_t seed = 1;
constexpr std::size_t batch_size = 24;

std::string fingerprint_of(const ParameterList<float>& parameters) {
    optim::detail::Fingerprint fingerprint;
    for (const auto& entry : parameters)
        fingerprint.add(
            std::as_bytes(std::span(entry.parameter->value().data(), entry.parameter->value().size())));
    return fmt::format("{:016x}", fingerprint.value());
}

void say_end(const optim::Ranks& ranks, double loss, const ParameterList<float>& parameters) {
    if (ranks.is_first()) fmt::print("loss {:a} weights {}\n", loss, fingerprint_of(parameters));
}

void fail(const std::string& kind) {
    if (kind == "throw") throw std::runtime_error("the rows of this rank are gone");
    if (kind == "kill") std::raise(SIGKILL);
}

void train_tagger(optim::Ranks& ranks, const std::string& kind, std::size_t steps,
                  const std::filesystem::path& file) {
    nn::Generator generator(seed + ranks.rank());  // rank 0 gives its weights to the others
    Tagger<float> model(16, generator);
    nn::Generator of_rows(2);
    const std::vector<Row<float>> rows = drawn_rows<float>(100, of_rows);
    const ParameterList<float> parameters = model.parameters();
    optim::Adam<float> adam(parameters, {.learning_rate = 0.01});
    std::uint64_t epoch = 0;
    std::size_t begin = 0;
    nn::Checkpoint<float> checkpoint;
    checkpoint.add("model", parameters);
    checkpoint.add("adam", adam);
    checkpoint.add("epoch", epoch);
    checkpoint.add("begin", begin);
    if (!file.empty() && std::filesystem::exists(file)) checkpoint.load(file);

    optim::DataParallel<float> parallel(ranks, parameters, adam, {.seed = seed, .compare_every = 10});
    double last = 0;
    for (; adam.steps() < steps; begin += batch_size) {
        if (begin >= rows.size()) begin = 0, ++epoch;
        if (adam.steps() == 5 && ranks.rank() + 1 == ranks.count()) {
            fail(kind);
            if (kind == "leave") return;
        }
        const std::vector<std::size_t> order = optim::shuffled(rows.size(), seed, epoch);
        const auto picked = std::span(order).subspan(begin, std::min(batch_size, rows.size() - begin));
        auto [loss, count, gradients] = parallel.gradient(picked.size(), [&](const optim::Shard& shard) {
            const RowBatch<float> batch(rows, shard.of(picked));
            return optim::ShardLoss(model.loss(batch, nn::Reduction::sum), batch.count());
        });
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        last = loss;
    }
    if (ranks.is_first() && !file.empty()) checkpoint.save(file);
    say_end(ranks, last, parameters);
}

void train_cell(optim::Ranks& ranks, std::size_t steps) {
    nn::Generator generator(seed);
    MinimalGatedCell cell(1, 16, generator);
    nn::Linear<float> output(16, 2, generator);
    ParameterList<float> parameters;
    parameters.add("cell", cell.parameters());
    parameters.add("output", output.parameters());
    optim::Adam<float> adam(parameters, {.learning_rate = 0.01});
    optim::DataParallel<float> parallel(ranks, parameters, adam);
    double last = 0;
    while (adam.steps() < steps) {
        auto [loss, count, gradients] = parallel.gradient(32, [&](const optim::Shard& shard) {
            const Batch batch = draw_batch(21, shard.rows(), shard.generator);
            const Var<float> logits = output(nn::unroll(cell, batch.x).state);
            return optim::ShardLoss(
                nn::softmax_cross_entropy(logits, batch.bits, {.reduction = nn::Reduction::sum}),
                shard.rows());
        });
        optim::clip_by_norm(gradients, 1.0);
        adam.step(gradients);
        last = loss;
    }
    say_end(ranks, last, parameters);
}

}  // namespace

int main(int count, char** arguments) {
    try {
        if (count < 3) throw std::invalid_argument("KIND and STEPS are missing");
        optim::Ranks ranks;
        const std::string kind = arguments[1];
        const std::size_t steps = std::stoul(arguments[2]);
        if (kind == "cell")
            train_cell(ranks, steps);
        else
            train_tagger(ranks, kind, steps, count > 3 ? arguments[3] : "");
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "training: {}\n", error.what());
        return 1;
    }
}
