#pragma once

#include <autograd/gradient.hpp>
#include <autograd/take_gradients.hpp>
#include <nn/generator.hpp>
#include <nn/training.hpp>
#include <optim/mpi/shard.hpp>
#include <optim/mpi/shards.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace tapeloop::optim::detail {

/// The losses of a rank's shards, as words to be gathered.
struct OwnLosses {
    std::vector<std::uint64_t> words;

    void add(double sum, double count);
};

/// Records the loss of a shard. Throws `std::invalid_argument` for a count that is none.
template <class T>
ShardLoss<T> checked_loss(const std::function<ShardLoss<T>(const Shard&)>& loss, const Shard& shard);

/// What a rank has summed of its own shards before the last of them is swept.
template <class T>
struct OwnSums {
    std::vector<Gradients<T>> nodes;  ///< of its `largest_nodes`, but for the last one
    /// Of that one: the left halves on the way down to the last shard.
    std::vector<Gradients<T>> left_of_last;
};

/// A shard on a tape of its own.
template <class T>
class RecordedShard {
  public:
    RecordedShard(std::uint64_t seed, const ParameterList<T>& parameters)
        : generator_(seed), training_(generator_), wrt_(parameters) {}

    /// Records its loss, unless it has no row.
    void record(std::size_t index, const Part& rows, std::size_t batch,
                const std::function<ShardLoss<T>(const Shard&)>& loss, OwnLosses& losses);
    Gradients<T> gradient() const;
    /// Hands each gradient over as soon as it is complete.
    void take_gradients(GradientReceiver<T>& receiver) const;

  private:
    nn::Generator generator_;
    nn::Training training_;
    WrtList<T> wrt_;
    Tape<T> tape_;
    std::optional<ShardLoss<T>> loss_;
};

/// The shards that a rank computes in one step.
template <class T>
struct OwnShards {
    const ParameterList<T>& parameters;
    const std::function<ShardLoss<T>(const Shard&)>& loss;
    std::size_t rows;    ///< of the batch
    std::size_t shards;  ///< of the batch
    std::uint64_t seed;
    std::uint64_t step;

    OwnLosses losses = {};
    std::optional<RecordedShard<T>> last = {};

    /// Records all shards of `own`, sweeps and sums all but the last.
    OwnSums<T> sum_all_but_last(const Part& own);

  private:
    void record(RecordedShard<T>& shard, std::size_t index);
    std::uint64_t seed_of(std::size_t index) const;
    Gradients<T> sum(const Part& node);
};

extern template struct OwnShards<float>;
extern template struct OwnShards<double>;
extern template class RecordedShard<float>;
extern template class RecordedShard<double>;
extern template ShardLoss<float> checked_loss(const std::function<ShardLoss<float>(const Shard&)>&,
                                              const Shard&);
extern template ShardLoss<double> checked_loss(const std::function<ShardLoss<double>(const Shard&)>&,
                                               const Shard&);

}  // namespace tapeloop::optim::detail
