// A training step on several ranks: what it takes beyond computing.
//     mpirun -n 2 ranks T B H [SHARDS] [STEPS] [LAYERS] [OVERLAP, 0 or 1] [MESSAGE_BYTES]
// LSTM layers, one as in training_step or several on top of each other, with SGD. On one rank the batch as a
// whole on a single tape is measured as well, and what a step would take on other machines is told of it: the
// compute time of a shard, divided among n machines, and the bytes that each sends.
#include <fmt/format.h>
#include <autograd/gradient.hpp>
#include <autograd/kernels/threads.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>
#include <optim/mpi/mpi.hpp>
#include <optim/sgd.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace {

using namespace tapeloop;

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> times) {
    std::ranges::sort(times);
    return times[times.size() / 2];
}

struct Task {
    Task(std::size_t T, std::size_t B, std::size_t H, std::size_t layers) : steps(T), batch(B), hidden(H) {
        nn::Generator generator(1);
        for (std::size_t i = 0; i < layers; ++i) cells.emplace_back(hidden, hidden, generator);
        x = nn::uniform<float>({steps, batch, hidden}, -1, 1, generator);
    }

    std::size_t steps, batch, hidden;
    std::vector<nn::LstmCell<float>> cells;
    Tensor<float> x;

    ParameterList<float> parameters() {
        ParameterList<float> list;
        for (std::size_t i = 0; i < cells.size(); ++i)
            list.add(fmt::format("layer{}", i), cells[i].parameters());
        return list;
    }

    /// x of some rows.
    Tensor<float> rows(std::size_t begin, std::size_t end) const {
        Tensor<float> part = Tensor<float>::from_shape({steps, end - begin, hidden});
        for (std::size_t t = 0; t < steps; ++t)
            std::copy_n(x.data() + (t * batch + begin) * hidden, (end - begin) * hidden,
                        part.data() + t * (end - begin) * hidden);
        return part;
    }
    Var<float> loss(const Tensor<float>& part) const {
        Var<float> outputs = nn::unroll(cells.front(), part).outputs;
        for (std::size_t i = 1; i < cells.size(); ++i) outputs = nn::unroll(cells[i], outputs).outputs;
        return sum(outputs * outputs);
    }
};

/// The seconds of one step on n machines: a part of the computing; three gatherings of few bytes and two
/// exchanges, each of which waits for the network; a microsecond for each message; the bytes. Nothing of it
/// is taken for hidden behind the sweep.
double expected_seconds(double compute, double bytes, int machines, double latency, double gigabits) {
    if (machines == 1) return compute;
    const double n = machines;
    const auto message_bytes = static_cast<double>(optim::DataParallelOptions().message_bytes);
    const double buckets = std::ceil(bytes / (n * message_bytes));
    return compute / n + (3 * std::log2(n) + 2) * latency + 2 * (n - 1) * buckets * 1e-6 +
           2 * bytes * (n - 1) / n / (gigabits * 1e9 / 8);
}

void tell_model(double compute, double bytes) {
    for (const auto& [gigabits, latency] : {std::pair{10.0, 30e-6}, std::pair{100.0, 5e-6}}) {
        fmt::print("  {:3} Gbit/s, {:2.0f} us:", gigabits, 1e6 * latency);
        for (const int machines : {2, 8, 64}) {
            const double seconds = expected_seconds(compute, bytes, machines, latency, gigabits);
            fmt::print("  {} machines {:.2f} ms, {:.1f} times;", machines, 1e3 * seconds, compute / seconds);
        }
        fmt::print("\n");
    }
}

}  // namespace

int main(int count, char** arguments) {
    const auto number = [&](int place, std::size_t usual) {
        return count > place ? std::strtoul(arguments[place], nullptr, 10) : usual;
    };
    optim::Ranks ranks;
    limit_threads(1);
    Task task(number(1, 50), number(2, 32), number(3, 256), number(6, 1));
    const std::size_t shards = number(4, 8);
    const std::size_t steps = number(5, 30);
    const ParameterList<float> parameters = task.parameters();
    optim::Sgd<float> sgd(parameters, {.learning_rate = 1e-6});
    optim::DataParallelOptions options{.shards = shards, .compare_every = 1'000'000};
    options.overlap = number(7, options.overlap ? 1 : 0) != 0;
    options.message_bytes = number(8, options.message_bytes);
    optim::DataParallel<float> parallel(ranks, parameters, sgd, options);

    std::vector<double> whole;
    for (std::size_t step = 0; ranks.count() == 1 && step < steps; ++step) {
        const double begin = seconds_now();
        const Tape<float> tape;
        const Var<float> J = task.loss(task.x);
        sgd.step(gradient(J, parameters));
        whole.push_back(seconds_now() - begin);
    }
    std::vector<double> all, waiting, overlapped, exchange;
    optim::Traffic before = parallel.traffic();
    for (std::size_t step = 0; step < steps; ++step) {
        const double begin = seconds_now();
        const auto learned = parallel.gradient(task.batch, [&](const optim::Shard& shard) {
            return optim::ShardLoss(task.loss(task.rows(shard.begin, shard.end)), shard.rows());
        });
        sgd.step(learned.gradients);
        all.push_back(seconds_now() - begin);
        waiting.push_back(parallel.traffic().waiting_seconds - before.waiting_seconds);
        overlapped.push_back(parallel.traffic().overlapped_seconds - before.overlapped_seconds);
        exchange.push_back(parallel.traffic().exchange_seconds - before.exchange_seconds);
        before = parallel.traffic();
    }
    if (!ranks.is_first()) return 0;
    const auto bytes = static_cast<double>(4 * parameters.value_count());
    const auto text = [](const std::vector<double>& seconds) {
        return fmt::format("{:.2f} ({:.2f})", 1e3 * median(seconds), 1e3 * std::ranges::min(seconds));
    };
    fmt::print("T {} B {} H {}, layers {}, {} shards on {} ranks: {} ms a step, the fastest in brackets\n",
               task.steps, task.batch, task.hidden, task.cells.size(), shards, ranks.count(), text(all));
    fmt::print("  waiting {}, exchange beside the sweep {}, after it {}\n", text(waiting), text(overlapped),
               text(exchange));
    fmt::print("  gradients of {:.2f} MB; a rank sends {:.2f} MB in {} messages\n", bytes / 1e6,
               static_cast<double>(before.bytes / before.gradients) / 1e6,
               before.messages / before.gradients);
    if (ranks.count() > 1) return 0;
    fmt::print("  the whole batch on one tape: {} ms\n", text(whole));
    tell_model(std::ranges::min(all), bytes);
}
