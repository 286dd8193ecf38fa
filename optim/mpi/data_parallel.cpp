#include <fmt/format.h>
#include <nn/generator.hpp>
#include <nn/training.hpp>
#include <optim/mpi/data_parallel.hpp>
#include <optim/mpi/exchange.hpp>
#include <optim/mpi/fingerprint.hpp>

#include <bit>
#include <chrono>
#include <cmath>
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

/// The losses of this rank's shards, as words to be gathered.
struct OwnLosses {
    std::vector<std::uint64_t> words;

    void add(double sum, double count) {
        words.push_back(std::bit_cast<std::uint64_t>(sum));
        words.push_back(std::bit_cast<std::uint64_t>(count));
    }
};

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
ShardLoss<T> checked_loss(const std::function<ShardLoss<T>(const Shard&)>& loss, const Shard& shard) {
    ShardLoss<T> result = loss(shard);
    if (!(result.count >= 0) || !std::isfinite(result.count))
        throw std::invalid_argument(
            fmt::format("ShardLoss: of shard {}, {} things count; it must be a number from 0", shard.index,
                        result.count));
    return result;
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
Gradients<T> DataParallel<T>::zeros() const {
    const WrtList<T> wrt(parameters_);
    std::vector<Tensor<T>> values;
    for (const Wrt<T>& one : wrt.list()) values.push_back(tapeloop::detail::zeros<T>(one.shape()));
    return {wrt.list(), std::move(values)};
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
    std::vector<Gradients<T>> parts;
    OwnLosses losses;
    const auto of_shard = [&](const Part& node) {
        const auto [begin, end] = part_of(rows, node.first, options_.shards);
        if (begin == end) {
            losses.add(0, 0);
            return zeros();
        }
        nn::Generator generator(mixed_seed({options_.seed, step, node.first}));
        const nn::Training training(generator);
        const Tape<T> tape;
        const ShardLoss<T> result = checked_loss<T>(loss, {node.first, begin, end, rows, generator});
        losses.add(static_cast<double>(result.sum.item()), result.count);
        return tapeloop::gradient(result.sum, parameters_);
    };
    const std::string problem = problem_of([&] {
        const Part own = part_of(options_.shards, ranks_.rank(), ranks_.count());
        for (const Part& largest : largest_nodes(own, {0, options_.shards}))
            parts.push_back(sum_of(
                largest, [](const Part& node) { return node.size() == 1; }, of_shard,
                [](Gradients<T> left, const Gradients<T>& right) {
                    left += right;
                    return left;
                }));
    });
    BatchLoss shared;
    {
        const Seconds waiting(traffic_.waiting_seconds);
        shared = shared_loss({Meeting::Purpose::gradient, step, rows}, losses.words, problem);
    }
    const Seconds exchanging(traffic_.exchange_seconds);
    Sent sent;
    const double factor = shared.count == 0 ? 1 : 1 / shared.count;
    Gradients<T> sum = sum_over_ranks(ranks_.communicator(), options_.shards, std::move(parts), factor, sent);
    ++traffic_.gradients;
    traffic_.messages += sent.messages;
    traffic_.bytes += sent.bytes;
    return {shared.loss, shared.count, std::move(sum)};
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
