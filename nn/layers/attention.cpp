#include <fmt/format.h>
#include <autograd/map.hpp>
#include <autograd/ops/linalg.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/attention.hpp>
#include <nn/layers/masked_softmax.hpp>
#include <nn/sequence/lengths.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

[[noreturn]] void fail(const std::string& message, const CallSite& site) {
    throw std::invalid_argument(with_site(message, site, ""));
}

/// [B, 1, S]: 1 where a time step counts.
template <class T>
Tensor<T> open_steps(const std::vector<std::size_t>& lengths, std::size_t time_steps, std::size_t batch) {
    Tensor<T> open = zeros<T>({batch, 1, time_steps});
    for (std::size_t row = 0; row < batch; ++row)
        std::fill_n(open.data() + row * time_steps, lengths.empty() ? time_steps : lengths[row], T(1));
    return open;
}

/// Checks, and makes a memory of keys and values in which only the time steps that count are not 0;
/// `projected` does to the keys what is to be done once.
template <class T, class Project>
AttentionMemory<T> prepared(const Operand<T>& keys, const Operand<T>& values, bool same,
                            const std::vector<std::size_t>& lengths, const Project& projected) {
    const CallSite& site = keys.site();
    const Shape& shape = keys.shape();
    if (shape.rank() != 3 || values.shape().rank() != 3 || values.shape()[0] != shape[0] ||
        values.shape()[1] != shape[1])
        fail(fmt::format("attention: keys are {} and values {}; they must be [S, B, K] and [S, B, V]",
                         shape.text(), values.shape().text()),
             site);
    const std::size_t time_steps = shape[0];
    const std::size_t batch = shape[1];
    if (!lengths.empty()) require_lengths("attention", lengths, time_steps, batch);
    const Var<T> open_keys = mask_by_lengths(input(keys), lengths);
    const Var<T> open_values = same ? open_keys : mask_by_lengths(input(values), lengths);
    const Var<T> by_row = transpose(Operand<T>(projected(open_keys), site), {1, 0, 2});
    return {expand_dims(by_row, 1), transpose(Operand<T>(open_values, site), {1, 0, 2}),
            input(open_steps<T>(lengths, time_steps, batch))};
}

template <class T>
void require_memory(const AttentionMemory<T>& memory, const CallSite& site) {
    const auto& [keys, values, open] = memory;
    const Shape expected{keys.shape().rank() == 4 ? keys.shape()[0] : 0, 1,
                         keys.shape().rank() == 4 ? keys.shape()[2] : 0};
    if (keys.shape().rank() != 4 || keys.shape()[1] != 1 || open.shape() != expected ||
        values.shape().rank() != 3 || values.shape()[0] != expected[0] || values.shape()[1] != expected[2])
        fail(fmt::format(
                 "attention: the memory is ({}, {}, {}); it must be what `prepare` gives, ([B, 1, S, A], "
                 "[B, S, V], [B, 1, S])",
                 keys.shape().text(), values.shape().text(), open.shape().text()),
             site);
}

/// Throws unless the query is [B, Q] or [T, B, Q] for the memory's B and this Q.
void require_query(const Shape& query, std::size_t batch, std::size_t width, const CallSite& site) {
    const std::size_t rank = query.rank();
    if (rank < 2 || rank > 3 || query[rank - 2] != batch || query[rank - 1] != width)
        fail(fmt::format("attention: query is {}; for this source it must be [{}, {}] or [T, {}, {}]",
                         query.text(), batch, width, batch, width),
             site);
}

/// Queries by row, [B, T, Q]; a single one has T = 1.
template <class T>
Var<T> by_row(const Operand<T>& query) {
    return query.shape().rank() == 2 ? expand_dims(query, 1) : transpose(query, {1, 0, 2});
}

/// Turns scores [B, T, S] into the context and weights of a query of that many axes.
template <class T>
Attended<T> attend(const Var<T>& scores, const AttentionMemory<T>& memory, std::size_t query_rank) {
    const auto& [keys, values, open] = memory;
    const Var<T> weights = masked_softmax(scores, open);
    const Var<T> context = matmul(weights, values);
    if (query_rank == 2) return {squeeze(context, 1), squeeze(weights, 1)};
    return {transpose(context, {1, 0, 2}), transpose(weights, {1, 0, 2})};
}

}  // namespace

template <class T>
AdditiveAttention<T>::AdditiveAttention(std::size_t query_size, std::size_t key_size,
                                        std::size_t attention_size, Generator& generator) {
    if (query_size == 0 || key_size == 0 || attention_size == 0)
        throw std::invalid_argument(
            fmt::format("AdditiveAttention: query_size is {}, key_size {} and attention_size {}; all must be "
                        "at least 1",
                        query_size, key_size, attention_size));
    W = Parameter<T>("W", xavier_uniform<T>({query_size, attention_size}, generator));
    U = Parameter<T>("U", xavier_uniform<T>({key_size, attention_size}, generator));
    v = Parameter<T>("v", xavier_uniform<T>({attention_size, 1}, generator));
}

template <class T>
AdditiveAttention<T>::AdditiveAttention(Tensor<T> query_weight, Tensor<T> key_weight, Tensor<T> score_weight)
    : W("W", std::move(query_weight)), U("U", std::move(key_weight)), v("v", std::move(score_weight)) {
    if (W.shape().rank() != 2 || U.shape().rank() != 2 || W.shape()[1] != U.shape()[1] ||
        v.shape() != Shape{W.shape()[1], 1})
        throw std::invalid_argument(
            fmt::format("AdditiveAttention: W is {}, U {} and v {}; they must be [Q, A], [K, A] and [A, 1]",
                        W.shape().text(), U.shape().text(), v.shape().text()));
}

template <class T>
AttentionMemory<T> AdditiveAttention<T>::prepare(const Operand<T>& source,
                                                 const std::vector<std::size_t>& lengths) const {
    return prepared(source, source, true, lengths, [this](const Var<T>& keys) { return matmul(keys, U); });
}
template <class T>
AttentionMemory<T> AdditiveAttention<T>::prepare(const Operand<T>& keys, const Operand<T>& values,
                                                 const std::vector<std::size_t>& lengths) const {
    return prepared(keys, values, false, lengths, [this](const Var<T>& k) { return matmul(k, U); });
}

template <class T>
Attended<T> AdditiveAttention<T>::operator()(const Operand<T>& query,
                                             const AttentionMemory<T>& memory) const {
    const CallSite& site = query.site();
    require_memory(memory, site);
    require_query(query.shape(), memory[0].shape()[0], W.shape()[0], site);
    const std::size_t rank = query.shape().rank();
    const Var<T> projected = expand_dims(matmul(by_row(query), W), 2);  // [B, T, 1, A]
    const Var<T> hidden = map([](auto q, auto k) { return tanh(q + k); }, projected, memory[0], site);
    return attend(squeeze(matmul(hidden, v), -1), memory, rank);
}

template <class T>
AttentionMemory<T> DotAttention<T>::prepare(const Operand<T>& source,
                                            const std::vector<std::size_t>& lengths) const {
    return prepared(source, source, true, lengths, [](const Var<T>& keys) { return keys; });
}
template <class T>
AttentionMemory<T> DotAttention<T>::prepare(const Operand<T>& keys, const Operand<T>& values,
                                            const std::vector<std::size_t>& lengths) const {
    return prepared(keys, values, false, lengths, [](const Var<T>& k) { return k; });
}

template <class T>
Attended<T> DotAttention<T>::operator()(const Operand<T>& query, const AttentionMemory<T>& memory) const {
    const CallSite& site = query.site();
    require_memory(memory, site);
    const std::size_t width = memory[0].shape().back();
    require_query(query.shape(), memory[0].shape()[0], width, site);
    const std::size_t rank = query.shape().rank();
    const Var<T> rows = by_row(query);
    const Var<T> scaled_rows =
        scaled ? divide(Operand<T>(rows, site), std::sqrt(static_cast<double>(width))) : rows;
    const Var<T> scores = matmul(scaled_rows, squeeze(memory[0], 1), {false, true});
    return attend(scores, memory, rank);
}

template struct AdditiveAttention<float>;
template struct AdditiveAttention<double>;
template struct DotAttention<float>;
template struct DotAttention<double>;

}  // namespace tapeloop::nn
