#include <fmt/format.h>
#include <optim/mpi/data_parallel.hpp>
#include <optim/mpi/exchange.hpp>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/own_shards.hpp>

#include <bit>
#include <chrono>
#include <optional>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

class Seconds {
  public:
    /// Adds to `sum` until it goes.
    explicit Seconds(double& sum) : sum_(sum) {}
    ~Seconds() { sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
    Seconds(const Seconds&) = delete;
    Seconds& operator=(const Seconds&) = delete;

  private:
    double& sum_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

DataParallelOptions checked(const DataParallelOptions& options, std::size_t ranks) {
    if (options.shards == 0 || options.compare_every == 0)
        throw std::invalid_argument(
            fmt::format("DataParallel: there are {} shards, compared every {} steps; both must be 1 or more",
                        options.shards, options.compare_every));
    if (ranks > options.shards)
        throw std::invalid_argument(
            fmt::format("DataParallel: there are {} ranks and {} shards; give as many shards as ranks, or "
                        "more (DataParallelOptions::shards)",
                        ranks, options.shards));
    return options;
}

/// Calls `work` with every shard of the rank, and returns what it threw as text; empty when it did not.
std::string problem_of(const auto& work) {
    try {
        work();
    } catch (const std::exception& error) {
        const std::string text = error.what();
        return text.empty() ? "an exception without a text" : text;
    } catch (...) {
        return "an exception that is no std::exception";
    }
    return {};
}

template <class T>
std::span<std::byte> bytes_of(Tensor<T>& tensor) {
    return std::as_writable_bytes(std::span(tensor.data(), tensor.size()));
}

}  // namespace

template <class T>
DataParallel<T>::DataParallel(Ranks& ranks, const ParameterList<T>& parameters, Optimizer<T>& optimizer,
                              DataParallelOptions options)
    : ranks_(ranks),
      parameters_(parameters),
      optimizer_(optimizer),
      options_(checked(options, ranks.count())) {
    if (ranks.count() == 1) return;
    require_same_description();
    broadcast_values();
}

template <class T>
std::string DataParallel<T>::description() const {
    const OptimizerState<T> state = optimizer_.state();
    std::string text = fmt::format("{} bytes a number\n{} shards\nthe seed {}\na comparison every {} steps\n",
                                   sizeof(T), options_.shards, options_.seed, options_.compare_every);
    text += fmt::format("{} overlap\nmessages of {} bytes\n", options_.overlap ? "an" : "no",
                        options_.message_bytes);
    text += fmt::format("the optimizer {}\n", state.optimizer);
    for (const auto& [name, value] : state.options) text += fmt::format("{} {}\n", name, value);
    for (const auto& entry : parameters_)
        text += fmt::format("parameter '{}' {}\n", entry.path, entry.parameter->shape().text());
    for (const auto& entry : state.entries) text += fmt::format("a state of '{}'\n", entry.path);
    return text;
}

template <class T>
void DataParallel<T>::require_same_description() {
    Communicator& communicator = ranks_.communicator();
    const std::string own = description();
    communicator.meet({Meeting::Purpose::start});
    const std::string first = communicator.broadcast(own, 0);
    std::string problem;
    if (own != first) {
        const auto [here, there] = std::ranges::mismatch(own, first);
        const auto line = [](const std::string& text, auto place) {
            const auto begin = static_cast<std::size_t>(place - text.begin());
            const std::size_t before = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
            const std::size_t from = before == std::string::npos ? 0 : before + 1;
            return from == text.size() ? "nothing" : text.substr(from, text.find('\n', from) - from);
        };
        problem = fmt::format(
            "DataParallel: it has {} where rank 0 has {}; all ranks must make the same model, optimizer and "
            "options",
            line(own, here), line(first, there));
    }
    communicator.meet({Meeting::Purpose::start}, problem);
}

template <class T>
void DataParallel<T>::broadcast_values() {
    Communicator& communicator = ranks_.communicator();
    for (const auto& entry : parameters_)
        communicator.broadcast(std::as_writable_bytes(entry.parameter->update()), 0);
    OptimizerState<T> state = optimizer_.state();
    communicator.broadcast(std::as_writable_bytes(std::span(&state.steps, 1)), 0);
    communicator.broadcast(std::as_writable_bytes(std::span(&state.learning_rate, 1)), 0);
    for (auto& entry : state.entries)
        for (Tensor<T>& tensor : entry.running) communicator.broadcast(bytes_of(tensor), 0);
    optimizer_.restore(std::move(state));
}

template <class T>
void DataParallel<T>::require_same_bits() {
    if (ranks_.count() == 1) return;
    std::vector<std::string> names;
    std::vector<std::uint64_t> own;
    const auto note = [&](std::string name, std::span<const std::byte> bytes) {
        Fingerprint fingerprint;
        fingerprint.add(bytes);
        names.push_back(std::move(name));
        own.push_back(fingerprint.value());
    };
    for (const auto& entry : parameters_)
        note(fmt::format("parameter '{}'", entry.path),
             std::as_bytes(std::span(entry.parameter->value().data(), entry.parameter->value().size())));
    OptimizerState<T> state = optimizer_.state();
    for (auto& entry : state.entries)
        for (Tensor<T>& tensor : entry.running)
            note(fmt::format("the optimizer's state of '{}'", entry.path), bytes_of(tensor));
    note("the learning rate", std::as_bytes(std::span(&state.learning_rate, 1)));

    Communicator& communicator = ranks_.communicator();
    communicator.meet({Meeting::Purpose::comparison, optimizer_.steps()});
    const std::vector<std::uint64_t> all = communicator.gather(own);
    for (std::size_t i = 0; i < own.size(); ++i)
        for (std::size_t rank = 1; rank < ranks_.count(); ++rank)
            if (all[rank * own.size() + i] != all[i])
                throw std::runtime_error(fmt::format(
                    "DataParallel: after {} steps {} has other bits on rank {} than on rank 0; all ranks "
                    "must change it in the same way",
                    optimizer_.steps(), names[i], rank));
}

template <class T>
std::size_t DataParallel<T>::owner(std::size_t shard) const {
    std::size_t rank = 0;
    while (part_of(options_.shards, rank, ranks_.count()).last <= shard) ++rank;
    return rank;
}

template <class T>
std::size_t DataParallel<T>::rows_of(std::size_t batch, std::size_t shard) const {
    return part_of(batch, shard, options_.shards).size();
}

template <class T>
BatchLoss DataParallel<T>::shared_loss(const Meeting& meeting, const std::vector<std::uint64_t>& own,
                                       const std::string& problem) {
    Communicator& communicator = ranks_.communicator();
    communicator.meet(meeting, problem);
    std::vector<std::uint64_t> all = own;
    if (communicator.count() > 1) {
        std::vector<std::size_t> sizes;
        for (std::size_t rank = 0; rank < communicator.count(); ++rank)
            sizes.push_back(2 * part_of(options_.shards, rank, communicator.count()).size());
        all = communicator.gather(own, sizes);
    }
    const auto sum_at = [&](std::size_t place) {
        return sum_of(
            {0, options_.shards}, [](const Part& node) { return node.size() == 1; },
            [&](const Part& node) { return std::bit_cast<double>(all[2 * node.first + place]); },
            [](double left, double right) { return left + right; });
    };
    const double count = sum_at(1);
    return {count == 0 ? 0 : sum_at(0) / count, count};
}

template <class T>
BatchGradient<T> DataParallel<T>::gradient(std::size_t rows, const Loss& loss) {
    const std::uint64_t step = optimizer_.steps();
    if (step % options_.compare_every == 0) require_same_bits();
    Communicator& communicator = ranks_.communicator();
    OwnShards<T> own{parameters_, loss, rows, options_.shards, options_.seed, step};
    std::optional<SumOverRanks<T>> sum;
    std::optional<Gradients<T>> swept;
    const std::string problem = problem_of([&] {
        OwnSums<T> sums = own.sum_all_but_last(part_of(options_.shards, ranks_.rank(), ranks_.count()));
        sum.emplace(communicator, options_.shards, parameters_, std::move(sums), options_.message_bytes);
        if (!options_.overlap) swept = own.last->gradient();
    });
    BatchLoss shared;
    {
        const Seconds waiting(traffic_.waiting_seconds);
        shared = shared_loss({Meeting::Purpose::gradient, step, rows}, own.losses.words, problem);
    }
    // From here on all ranks exchange all gradients, whatever happens to one of them.
    sum->begin(shared.count == 0 ? 1 : 1 / shared.count);
    std::string late_problem;
    if (options_.overlap) late_problem = problem_of([&] { own.last->take_gradients(*sum); });
    traffic_.overlapped_seconds += sum->seconds_beside_sweep();
    const Seconds exchanging(traffic_.exchange_seconds);
    if (swept.has_value())
        for (std::size_t i = 0; i < swept->size(); ++i) sum->take(i, std::move(swept->at(i)));
    if (!late_problem.empty()) sum->give_up();
    Gradients<T> gradients = sum->finish();
    if (options_.overlap) communicator.meet({Meeting::Purpose::gradient, step, rows}, late_problem);
    ++traffic_.gradients;
    traffic_.messages += sum->sent().messages;
    traffic_.bytes += sum->sent().bytes;
    return {shared.loss, shared.count, std::move(gradients)};
}

template <class T>
BatchLoss DataParallel<T>::loss(std::size_t rows, const Loss& loss) {
    OwnLosses losses;
    const std::string problem = problem_of([&] {
        const Part own = part_of(options_.shards, ranks_.rank(), ranks_.count());
        for (std::size_t shard = own.first; shard < own.last; ++shard) {
            const auto [begin, end] = part_of(rows, shard, options_.shards);
            nn::Generator generator(mixed_seed({options_.seed, optimizer_.steps(), shard}));
            const nn::Evaluation evaluation;
            const Tape<T> tape;
            const Paused<T> no_gradients;
            if (begin == end) {
                losses.add(0, 0);
                continue;
            }
            const ShardLoss<T> result = checked_loss<T>(loss, {shard, begin, end, rows, generator});
            losses.add(static_cast<double>(result.sum.item()), result.count);
        }
    });
    return shared_loss({Meeting::Purpose::loss, optimizer_.steps(), rows}, losses.words, problem);
}

template class DataParallel<float>;
template class DataParallel<double>;

}  // namespace tapeloop::optim
