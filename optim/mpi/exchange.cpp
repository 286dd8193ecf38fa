#include <optim/mpi/exchange.hpp>

#include <algorithm>
#include <iterator>

namespace tapeloop::optim::detail {

namespace {

constexpr std::size_t piece_in_cache = 4096;  // elements
constexpr std::size_t most_buckets = 8192;    // each has two tags, of which MPI promises 32767
constexpr auto pause_between_looks = std::chrono::microseconds(50);

}  // namespace

template <class T>
class SumOverRanks<T>::BesideSweep {
  public:
    /// Counts the time until it goes.
    explicit BesideSweep(SumOverRanks& sum) : sum_(sum) {}
    ~BesideSweep() {
        sum_.looked_ = Clock::now();
        sum_.seconds_beside_sweep_ += std::chrono::duration<double>(sum_.looked_ - begin_).count();
    }
    BesideSweep(const BesideSweep&) = delete;
    BesideSweep& operator=(const BesideSweep&) = delete;

  private:
    SumOverRanks& sum_;
    Clock::time_point begin_ = Clock::now();
};

template <class T>
SumOverRanks<T>::SumOverRanks(Communicator& communicator, std::size_t shards, const WrtList<T>& wrt,
                              OwnSums<T> own, std::size_t message_bytes)
    : communicator_(communicator),
      all_{0, shards},
      wrt_(wrt.list()),
      begins_{0},
      left_of_last_(std::move(own.left_of_last)),
      is_taken_(wrt_.size(), false) {
    for (const Wrt<T>& one : wrt_) begins_.push_back(begins_.back() + one.shape().size());
    for (std::size_t rank = 0; rank < communicator.count(); ++rank)
        for (const Part& node : largest_nodes(part_of(shards, rank, communicator.count()), all_))
            if (rank == communicator.rank())
                nodes_.push_back(node);
            else
                others_.push_back({rank, node});
    for (Gradients<T>& node : own.nodes)
        parts_.emplace_back(std::make_move_iterator(node.begin()), std::make_move_iterator(node.end()));
    parts_.emplace_back(wrt_.size());

    const std::size_t size = begins_.back();
    const std::size_t most =
        std::max(message_bytes * communicator.count() / sizeof(T), size / most_buckets + 1);
    std::size_t received = 0;
    for (std::size_t end = size; end > 0; end -= std::min(most, end)) {
        Bucket& bucket = buckets_.emplace_back(Bucket{
            {end - std::min(most, end), end}, received, 0, Messages(communicator), Messages(communicator)});
        for (std::size_t i = 0; i < wrt_.size(); ++i)
            if (is_in(bucket, i)) ++bucket.awaited;
        received += slice(bucket, communicator.rank()).size() * others_.size();
    }
    received_ = tapeloop::detail::uninitialised<T>({received});
}

template <class T>
Part SumOverRanks<T>::slice(const Bucket& bucket, std::size_t rank) const {
    const auto [first, last] = part_of(bucket.elements.size(), rank, communicator_.count());
    return {bucket.elements.first + first, bucket.elements.first + last};
}

template <class T>
bool SumOverRanks<T>::is_in(const Bucket& bucket, std::size_t i) const {
    return std::max(begins_[i], bucket.elements.first) < std::min(begins_[i + 1], bucket.elements.last);
}

/// Where elements of the row lie.
template <class T>
typename SumOverRanks<T>::Runs SumOverRanks<T>::runs_of(std::vector<Tensor<T>>& tensors,
                                                        const Part& elements) const {
    Runs runs;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::size_t first = std::max(begins_[i], elements.first);
        const std::size_t last = std::min(begins_[i + 1], elements.last);
        if (first < last) runs.emplace_back(tensors[i].data() + (first - begins_[i]), last - first);
    }
    return runs;
}

/// Where this rank's slice of what another's node has goes, cut as the own elements are.
template <class T>
typename SumOverRanks<T>::Runs SumOverRanks<T>::received_runs(const Bucket& bucket, std::size_t node) {
    const Part own = slice(bucket, communicator_.rank());
    T* place = received_.data() + bucket.received + node * own.size();
    Runs runs;
    for (std::size_t i = 0; i < wrt_.size(); ++i) {
        const std::size_t first = std::max(begins_[i], own.first);
        const std::size_t last = std::min(begins_[i + 1], own.last);
        if (first < last) runs.emplace_back(place + (first - own.first), last - first);
    }
    return runs;
}

/// This rank's slice of the sum that some rank has, of the node that begins with a shard.
template <class T>
typename SumOverRanks<T>::Runs SumOverRanks<T>::runs_of_node(const Bucket& bucket, std::size_t first_shard) {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i].first == first_shard) return runs_of(parts_[i], slice(bucket, communicator_.rank()));
    for (std::size_t i = 0; i < others_.size(); ++i)
        if (others_[i].shards.first == first_shard) return received_runs(bucket, i);
    return {};
}

template <class T>
void SumOverRanks<T>::begin(double factor) {
    factor_ = static_cast<T>(factor);
    for (Bucket& bucket : buckets_) receive_parts(bucket);
}

template <class T>
void SumOverRanks<T>::receive_parts(Bucket& bucket) {
    for (std::size_t i = 0; i < others_.size(); ++i)
        for (const std::span<T> run : received_runs(bucket, i))
            bucket.parts.receive(std::as_writable_bytes(run), others_[i].rank, tag_of(bucket));
}

template <class T>
void SumOverRanks<T>::send_parts(Bucket& bucket) {
    // Not all to one at once.
    for (std::size_t distance = 1; distance < communicator_.count(); ++distance) {
        const std::size_t to = (communicator_.rank() + distance) % communicator_.count();
        for (std::vector<Tensor<T>>& part : parts_)
            for (const std::span<T> run : runs_of(part, slice(bucket, to)))
                bucket.parts.send(std::as_writable_bytes(run), to, tag_of(bucket));
    }
}

template <class T>
void SumOverRanks<T>::take(std::size_t i, Tensor<T> gradient) {
    const BesideSweep counted(*this);
    for (std::size_t left = left_of_last_.size(); left-- > 0;) {
        Tensor<T>& sum = left_of_last_[left].at(i);
        for (std::size_t k = 0; k < sum.size(); ++k) sum.data()[k] += gradient.data()[k];
        gradient = std::move(sum);
    }
    parts_.back()[i] = std::move(gradient);
    is_taken_[i] = true;
    for (Bucket& bucket : buckets_)
        if (is_in(bucket, i) && --bucket.awaited == 0) send_parts(bucket);
}

template <class T>
void SumOverRanks<T>::advanced() {
    if (communicator_.count() == 1 || Clock::now() - looked_ < pause_between_looks) return;
    const BesideSweep counted(*this);
    for (Bucket& bucket : buckets_) {
        if (bucket.awaited > 0) continue;
        if (bucket.is_summed)
            bucket.results.have_arrived();
        else if (bucket.parts.have_arrived())
            exchange_results(bucket);
    }
}

template <class T>
void SumOverRanks<T>::sum(Bucket& bucket) {
    std::vector<Runs> of_node(all_.last);
    for (std::size_t shard = 0; shard < all_.last; ++shard) of_node[shard] = runs_of_node(bucket, shard);
    const Runs results = runs_of(parts_.front(), slice(bucket, communicator_.rank()));
    const auto is_given = [&](const Part& node) {
        return std::ranges::find(nodes_, node) != nodes_.end() ||
               std::ranges::any_of(others_, [&](const RankNode& one) { return one.shards == node; });
    };
    for (std::size_t run = 0; run < results.size(); ++run)
        for (std::size_t begin = 0; begin < results[run].size(); begin += piece_in_cache) {
            const std::size_t size = std::min(piece_in_cache, results[run].size() - begin);
            const T* sum = sum_of(
                all_, is_given, [&](const Part& node) { return of_node[node.first][run].data() + begin; },
                [size](T* left, const T* right) {
                    for (std::size_t k = 0; k < size; ++k) left[k] += right[k];
                    return left;
                });
            for (std::size_t k = 0; k < size; ++k) results[run][begin + k] = sum[k] * factor_;
        }
    bucket.is_summed = true;
}

/// Sums, and sends the result; those of others come where this rank's parts were that they have by now.
template <class T>
void SumOverRanks<T>::exchange_results(Bucket& bucket) {
    sum(bucket);
    for (std::size_t distance = 1; distance < communicator_.count(); ++distance) {
        const std::size_t other = (communicator_.rank() + distance) % communicator_.count();
        for (const std::span<T> run : runs_of(parts_.front(), slice(bucket, other)))
            bucket.results.receive(std::as_writable_bytes(run), other, tag_of(bucket) + 1);
        for (const std::span<T> run : runs_of(parts_.front(), slice(bucket, communicator_.rank())))
            bucket.results.send(std::as_writable_bytes(run), other, tag_of(bucket) + 1);
    }
}

template <class T>
void SumOverRanks<T>::give_up() {
    for (std::size_t i = 0; i < wrt_.size(); ++i)
        if (!is_taken_[i]) take(i, tapeloop::detail::zeros<T>(wrt_[i].shape()));
}

template <class T>
Gradients<T> SumOverRanks<T>::finish() {
    for (Bucket& bucket : buckets_) {
        if (bucket.is_summed) continue;
        bucket.parts.wait();
        exchange_results(bucket);
    }
    for (Bucket& bucket : buckets_) bucket.results.wait();
    return {std::move(wrt_), std::move(parts_.front())};
}

template <class T>
Sent SumOverRanks<T>::sent() const {
    Sent sum;
    for (const Bucket& bucket : buckets_)
        for (const Sent& sent : {bucket.parts.sent(), bucket.results.sent()}) {
            sum.messages += sent.messages;
            sum.bytes += sent.bytes;
        }
    return sum;
}

template class SumOverRanks<float>;
template class SumOverRanks<double>;

}  // namespace tapeloop::optim::detail
