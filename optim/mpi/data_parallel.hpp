#pragma once

#include <autograd/gradient.hpp>
#include <optim/mpi/ranks.hpp>
#include <optim/mpi/shard.hpp>
#include <optim/optimizer.hpp>

#include <functional>

namespace tapeloop::optim {

/// Options of `DataParallel`.
struct DataParallelOptions {
    /// The parts of a batch, as many as ranks there will ever be: bits depend on it, and on ranks they do
    /// not.
    std::size_t shards = 8;
    std::uint64_t seed = 1;           ///< of the masks and the noise of shards
    std::size_t compare_every = 100;  ///< steps from one comparison of all ranks' bits to the next
    /// Gradients are sent while the layers below them are still swept, of a rank's last shard; else once all
    /// are there. The bits are the same.
    bool overlap = true;
    std::size_t message_bytes = 1 << 18;  ///< of gradients sent at once to another rank, or more
};

/// What was sent since a `DataParallel` was made, and how long this rank has waited.
struct Traffic {
    std::uint64_t gradients = 0;  ///< that were summed
    std::uint64_t messages = 0;   ///< of gradients, sent by this rank
    std::uint64_t bytes = 0;      ///< in them
    double waiting_seconds =
        0;  ///< for the slowest rank, before the last shard is swept or, without overlap, after
    double overlapped_seconds = 0;  ///< to send and sum gradients while the last shard was swept
    double exchange_seconds = 0;    ///< to exchange and sum gradients after that
};

/// The mean loss of a batch.
struct BatchLoss {
    double loss = 0;   ///< the sum over the batch divided by `count`; 0 where nothing counts
    double count = 0;  ///< of what counts
};

/// The mean loss of a batch and its gradients, on every rank the same.
template <class T>
struct BatchGradient {
    double loss;
    double count;
    Gradients<T> gradients;
};

/// Training of one model on several ranks, each of which holds all of it and computes some shards of every
/// batch. The same program gives the same bits on any number of ranks: shards, their random numbers and the
/// order in which they are summed depend on the batch alone.
///
///     optim::Ranks ranks;                                                      // first in main
///     ...
///     optim::DataParallel<float> parallel(ranks, model.parameters(), adam);    // behind the optimizer
///     ...
///     auto [loss, count, gradients] = parallel.gradient(rows.size(), [&](const optim::Shard& shard) {
///         const Batch batch = batch_of(shard.of(rows));                        // instead of all rows
///         return optim::ShardLoss(model.loss(batch), batch.count);
///     });
///     adam.step(gradients);
///
/// It refers to ranks, parameters and optimizer, which must outlive it and stay where they are. What it
/// throws is thrown on all ranks at once, as `std::runtime_error`.
template <class T>
class DataParallel {
  public:
    /// Records the loss of a shard on the current tape, in a `nn::Training` scope with the shard's generator.
    using Loss = std::function<ShardLoss<T>(const Shard&)>;

    /// Gives all ranks the values of rank 0 and its optimizer's state. Throws `std::runtime_error` when their
    /// parameters, shapes, optimizers or options differ, and `std::invalid_argument` when there are more
    /// ranks than shards.
    DataParallel(Ranks& ranks, const ParameterList<T>& parameters, Optimizer<T>& optimizer,
                 DataParallelOptions options = {});

    /// Returns the gradient of the mean loss of a batch with so many rows. Throws `std::runtime_error` when
    /// `loss` throws on some rank, with its text, when another rank asks for something else, and when in a
    /// comparison the ranks' bits differ; nothing is changed then.
    BatchGradient<T> gradient(std::size_t rows, const Loss& loss);
    /// Returns the mean loss of rows that are shared among the ranks, as a model is evaluated: outside of
    /// `nn::Training`, and without anything kept for a sweep. Throws as `gradient`.
    BatchLoss loss(std::size_t rows, const Loss& loss);

    /// Throws `std::runtime_error`, with the first parameter or state that differs, unless all ranks hold the
    /// same bits.
    void require_same_bits();

    /// Returns the rank that computes a shard, which has what the shard carries from step to step.
    std::size_t owner(std::size_t shard) const;
    /// Returns how many rows of a batch a shard has.
    std::size_t rows_of(std::size_t batch, std::size_t shard) const;
    /// Returns the number of shards.
    std::size_t shards() const { return options_.shards; }
    /// Returns what was sent.
    const Traffic& traffic() const { return traffic_; }

  private:
    std::string description() const;
    void require_same_description();
    void broadcast_values();
    BatchLoss shared_loss(const detail::Meeting& meeting, const std::vector<std::uint64_t>& own,
                          const std::string& problem);

    Ranks& ranks_;
    ParameterList<T> parameters_;
    Optimizer<T>& optimizer_;
    DataParallelOptions options_;
    Traffic traffic_;
};

extern template class DataParallel<float>;
extern template class DataParallel<double>;

}  // namespace tapeloop::optim
