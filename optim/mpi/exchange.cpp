#include <optim/mpi/exchange.hpp>

#include <algorithm>
#include <map>

namespace tapeloop::optim::detail {

namespace {

/// Where a part of the elements lies, when those of all tensors are taken as one row.
template <class T>
std::vector<std::span<T>> elements_of(Gradients<T>& gradients, const Part& part) {
    std::vector<std::span<T>> elements;
    std::size_t begin = 0;
    for (Tensor<T>& tensor : gradients) {
        const std::size_t end = begin + tensor.size();
        const std::size_t first = std::max(begin, part.first);
        const std::size_t last = std::min(end, part.last);
        if (first < last) elements.emplace_back(tensor.data() + (first - begin), last - first);
        begin = end;
    }
    return elements;
}

template <class T>
void add_blocks(Blocks& blocks, const std::vector<std::span<T>>& elements) {
    for (const std::span<T> run : elements) blocks.push_back(std::as_writable_bytes(run));
}

/// The exchange of one sum.
template <class T>
class SumOverRanks {
  public:
    SumOverRanks(Communicator& communicator, std::size_t shards, std::vector<Gradients<T>>& parts)
        : communicator_(communicator), all_{0, shards}, parts_(parts) {
        for (const Tensor<T>& tensor : parts.front()) size_ += tensor.size();
        own_ = slice(communicator.rank());
    }

    void gather_parts(Sent& sent) {
        std::vector<Blocks> out(communicator_.count());
        std::vector<Blocks> in(communicator_.count());
        std::size_t received = 0;
        for (std::size_t rank = 0; rank < communicator_.count(); ++rank)
            if (rank != communicator_.rank()) received += nodes_of(rank).size() * own_.size();
        received_ = tapeloop::detail::uninitialised<T>({received});
        T* place = received_.data();
        for (std::size_t rank = 0; rank < communicator_.count(); ++rank) {
            if (rank == communicator_.rank()) continue;
            for (Gradients<T>& part : parts_) add_blocks(out[rank], elements_of(part, slice(rank)));
            for (const Part& node : nodes_of(rank)) {
                runs_[node.first] = runs_of(place);
                add_blocks(in[rank], runs_[node.first]);
                place += own_.size();
            }
        }
        add(sent, communicator_.exchange(out, in));
    }

    void sum(double factor) {
        const std::vector<Part> nodes = nodes_of(communicator_.rank());
        for (std::size_t i = 0; i < nodes.size(); ++i) runs_[nodes[i].first] = elements_of(parts_[i], own_);
        const std::vector<std::span<T>> results = elements_of(parts_.front(), own_);
        for (std::size_t run = 0; run < results.size(); ++run)
            for (std::size_t begin = 0; begin < results[run].size(); begin += in_cache)
                sum_piece(results[run], run, begin, static_cast<T>(factor));
    }

    void spread_result(Sent& sent) {
        std::vector<Blocks> out(communicator_.count());
        std::vector<Blocks> in(communicator_.count());
        for (std::size_t rank = 0; rank < communicator_.count(); ++rank) {
            if (rank == communicator_.rank()) continue;
            add_blocks(out[rank], elements_of(parts_.front(), own_));
            add_blocks(in[rank], elements_of(parts_.front(), slice(rank)));
        }
        add(sent, communicator_.exchange(out, in));
    }

  private:
    static constexpr std::size_t in_cache = 4096;

    Part slice(std::size_t rank) const { return part_of(size_, rank, communicator_.count()); }
    std::vector<Part> nodes_of(std::size_t rank) const {
        return largest_nodes(part_of(all_.last, rank, communicator_.count()), all_);
    }
    static void add(Sent& sum, const Sent& more) {
        sum.messages += more.messages;
        sum.bytes += more.bytes;
    }
    /// What was received in one row, cut as the own elements are.
    std::vector<std::span<T>> runs_of(T* place) {
        std::vector<std::span<T>> runs;
        for (const std::span<T> run : elements_of(parts_.front(), own_)) {
            runs.emplace_back(place, run.size());
            place += run.size();
        }
        return runs;
    }
    void sum_piece(const std::span<T>& result, std::size_t run, std::size_t begin, T factor) {
        const std::size_t size = std::min(in_cache, result.size() - begin);
        const T* sum = sum_of(
            all_, [&](const Part& node) { return is_given(node); },
            [&](const Part& node) { return runs_.at(node.first)[run].data() + begin; },
            [&](T* left, const T* right) {
                for (std::size_t i = 0; i < size; ++i) left[i] += right[i];
                return left;
            });
        for (std::size_t i = 0; i < size; ++i) result[begin + i] = sum[i] * factor;
    }
    /// Returns whether some rank has all shards of this node, and has summed it.
    bool is_given(const Part& node) const {
        for (std::size_t rank = 0; rank < communicator_.count(); ++rank) {
            const Part own = part_of(all_.last, rank, communicator_.count());
            if (own.first <= node.first && node.last <= own.last) return true;
        }
        return false;
    }

    Communicator& communicator_;
    Part all_;  // the shards
    std::vector<Gradients<T>>& parts_;
    std::size_t size_ = 0;  // in elements
    Part own_{0, 0};        // the elements that this rank sums
    Tensor<T> received_;
    std::map<std::size_t, std::vector<std::span<T>>>
        runs_;  // of each node that a rank has summed, by its first shard
};

}  // namespace

template <class T>
Gradients<T> sum_over_ranks(Communicator& communicator, std::size_t shards, std::vector<Gradients<T>> parts,
                            double factor, Sent& sent) {
    SumOverRanks<T> sum(communicator, shards, parts);
    if (communicator.count() > 1) sum.gather_parts(sent);
    sum.sum(factor);
    if (communicator.count() > 1) sum.spread_result(sent);
    return std::move(parts.front());
}

template Gradients<float> sum_over_ranks(Communicator&, std::size_t, std::vector<Gradients<float>>, double,
                                         Sent&);
template Gradients<double> sum_over_ranks(Communicator&, std::size_t, std::vector<Gradients<double>>, double,
                                          Sent&);

}  // namespace tapeloop::optim::detail
