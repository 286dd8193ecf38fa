#pragma once

#include <autograd/var.hpp>

#include <concepts>
#include <span>

namespace tapeloop::nn {
class Generator;
}  // namespace tapeloop::nn

namespace tapeloop::optim {

/// One part of a batch, which has a tape of its own. A batch has as many parts on one rank as on eight.
struct Shard {
    std::size_t index;         ///< of the shard
    std::size_t begin;         ///< its first row in the batch
    std::size_t end;           ///< behind its last row
    std::size_t batch;         ///< the rows of the whole batch
    nn::Generator& generator;  ///< of this shard and step: masks are drawn from it, and so should noise be

    /// Returns how many rows it has.
    std::size_t rows() const { return end - begin; }
    /// Returns its part of a list with an element for each row of the batch. Throws `std::invalid_argument`
    /// for a list of another length.
    template <class Rows>
    auto of(Rows&& rows) const {
        const std::span list(rows);
        require_batch(list.size());
        return list.subspan(begin, end - begin);
    }

  private:
    void require_batch(std::size_t size) const;
};

/// What a shard contributes to the loss of the batch, which is the sum of all sums divided by that of all
/// counts.
template <class T>
struct ShardLoss {
    /// Takes the loss as `nn::Reduction::sum` gives it, and the number of what counts in it: rows, or time
    /// steps where lengths differ, or the sum of their weights.
    template <class Count>
    requires std::integral<Count> || std::floating_point<Count> ShardLoss(const Var<T>& sum_of_losses,
                                                                          Count what_counts)
        : sum(sum_of_losses), count(static_cast<double>(what_counts)) {}

    Var<T> sum;
    double count;
};

}  // namespace tapeloop::optim
