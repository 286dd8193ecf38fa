#pragma once

#include <autograd/gradient.hpp>
#include <autograd/take_gradients.hpp>
#include <optim/mpi/communicator.hpp>
#include <optim/mpi/own_shards.hpp>
#include <optim/mpi/shards.hpp>

#include <chrono>
#include <vector>

namespace tapeloop::optim::detail {

/// Sums gradients over all shards of all ranks, `factor` times, in the tree of the shards: whatever the
/// number of ranks, to the same bits. It takes those of a rank's last shard while they are still being swept,
/// and sends what is complete.
///
/// The elements of all gradients, taken as one row, are cut into buckets, and those into a slice for each
/// rank. Each rank gets its slice from all others, sums it and sends all others the result, so that it sends
/// 2 (n - 1) / n times the bytes of the gradients. All ranks together `begin`, then either take every
/// gradient or give up, and `finish`: none waits for another before that.
template <class T>
class SumOverRanks final : public GradientReceiver<T> {
  public:
    /// A bucket has `message_bytes` for each rank.
    SumOverRanks(Communicator& communicator, std::size_t shards, const WrtList<T>& wrt, OwnSums<T> own,
                 std::size_t message_bytes);

    void begin(double factor);
    void take(std::size_t i, Tensor<T> gradient) override;
    /// Sees to it that messages go on, now and then.
    void advanced() override;
    /// Takes zeros for what was not taken: the sweep has failed, and the others wait for it.
    void give_up();
    Gradients<T> finish();

    /// Returns the seconds that `take` and `advanced` took.
    double seconds_beside_sweep() const { return seconds_beside_sweep_; }
    Sent sent() const;

  private:
    using Clock = std::chrono::steady_clock;
    using Runs = std::vector<std::span<T>>;
    class BesideSweep;
    struct Bucket {
        Part elements;         // of the row
        std::size_t received;  // where it begins in what is received
        std::size_t awaited;   // gradients that are not complete
        Messages parts;        // sums of each rank's own shards
        Messages results;      // sums of all
        bool is_summed = false;
    };
    /// A node of the tree that a rank sums.
    struct RankNode {
        std::size_t rank;
        Part shards;
    };

    Part slice(const Bucket& bucket, std::size_t rank) const;
    bool is_in(const Bucket& bucket, std::size_t i) const;
    Runs runs_of(std::vector<Tensor<T>>& tensors, const Part& elements) const;
    Runs received_runs(const Bucket& bucket, std::size_t node);
    Runs runs_of_node(const Bucket& bucket, std::size_t first_shard);
    int tag_of(const Bucket& bucket) const { return 2 * static_cast<int>(&bucket - buckets_.data()); }
    void receive_parts(Bucket& bucket);
    void send_parts(Bucket& bucket);
    void sum(Bucket& bucket);
    void exchange_results(Bucket& bucket);

    Communicator& communicator_;
    Part all_;  // the shards
    std::vector<Wrt<T>> wrt_;
    std::vector<std::size_t> begins_;            // of each gradient's elements in the row, and its end
    std::vector<Part> nodes_;                    // of this rank
    std::vector<RankNode> others_;               // nodes of the other ranks
    std::vector<std::vector<Tensor<T>>> parts_;  // of `nodes_`; the first becomes the result
    std::vector<Gradients<T>> left_of_last_;
    std::vector<bool> is_taken_;
    std::vector<Bucket> buckets_;  // from the end of the row, where the upper layers usually are
    Tensor<T> received_;
    T factor_ = 1;
    Clock::time_point looked_ = Clock::now();
    double seconds_beside_sweep_ = 0;
};

extern template class SumOverRanks<float>;
extern template class SumOverRanks<double>;

}  // namespace tapeloop::optim::detail
