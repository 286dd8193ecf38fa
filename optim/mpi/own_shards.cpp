#include <fmt/format.h>
#include <optim/mpi/fingerprint.hpp>
#include <optim/mpi/own_shards.hpp>

#include <bit>
#include <cmath>
#include <stdexcept>

namespace tapeloop::optim::detail {

namespace {

bool is_one_shard(const Part& node) { return node.size() == 1; }

}  // namespace

void OwnLosses::add(double sum, double count) {
    words.push_back(std::bit_cast<std::uint64_t>(sum));
    words.push_back(std::bit_cast<std::uint64_t>(count));
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
void RecordedShard<T>::record(std::size_t index, const Part& rows, std::size_t batch,
                              const std::function<ShardLoss<T>(const Shard&)>& loss, OwnLosses& losses) {
    if (rows.size() == 0) return losses.add(0, 0);
    loss_ = checked_loss<T>(loss, {index, rows.first, rows.last, batch, generator_});
    losses.add(static_cast<double>(loss_->sum.item()), loss_->count);
}

template <class T>
Gradients<T> RecordedShard<T>::gradient() const {
    if (loss_.has_value()) return tapeloop::gradient(loss_->sum, wrt_);
    std::vector<Tensor<T>> values;
    for (const Wrt<T>& one : wrt_.list()) values.push_back(tapeloop::detail::zeros<T>(one.shape()));
    return {wrt_.list(), std::move(values)};
}

template <class T>
void RecordedShard<T>::take_gradients(GradientReceiver<T>& receiver) const {
    if (loss_.has_value()) return tapeloop::take_gradients(loss_->sum, wrt_, receiver);
    for (std::size_t i = 0; i < wrt_.list().size(); ++i)
        receiver.take(i, tapeloop::detail::zeros<T>(wrt_.list()[i].shape()));
}

template <class T>
std::uint64_t OwnShards<T>::seed_of(std::size_t index) const {
    return mixed_seed({seed, step, index});
}

template <class T>
void OwnShards<T>::record(RecordedShard<T>& shard, std::size_t index) {
    shard.record(index, part_of(rows, index, shards), rows, loss, losses);
}

template <class T>
Gradients<T> OwnShards<T>::sum(const Part& node) {
    const auto of_shard = [&](const Part& one) {
        RecordedShard<T> shard(seed_of(one.first), parameters);
        record(shard, one.first);
        return shard.gradient();
    };
    return sum_of(node, is_one_shard, of_shard, [](Gradients<T> left, const Gradients<T>& right) {
        left += right;
        return left;
    });
}

template <class T>
OwnSums<T> OwnShards<T>::sum_all_but_last(const Part& own) {
    OwnSums<T> sums;
    std::vector<Part> nodes = largest_nodes(own, {0, shards});
    Part node = nodes.back();
    nodes.pop_back();
    for (const Part& largest : nodes) sums.nodes.push_back(sum(largest));
    for (; !is_one_shard(node); node.first = middle_of(node))
        sums.left_of_last.push_back(sum({node.first, middle_of(node)}));
    last.emplace(seed_of(node.first), parameters);
    record(*last, node.first);
    return sums;
}

template struct OwnShards<float>;
template struct OwnShards<double>;
template class RecordedShard<float>;
template class RecordedShard<double>;
template ShardLoss<float> checked_loss(const std::function<ShardLoss<float>(const Shard&)>&, const Shard&);
template ShardLoss<double> checked_loss(const std::function<ShardLoss<double>(const Shard&)>&, const Shard&);

}  // namespace tapeloop::optim::detail
