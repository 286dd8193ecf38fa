#pragma once

#include <autograd/parameter.hpp>

#include <array>
#include <vector>

/// Attention: for each query a mean of the source's values, weighted by how well the query fits the keys.
///
/// `prepare` does once per sequence what no query takes part in, and a call answers queries: [B, Q], one for
/// each row, or [T, B, Q], one for each of T time steps. A row of the source without time steps gives a
/// context and weights of 0. What stands behind the end of a row, NaN included, has no influence on values
/// and gradients.
namespace tapeloop::nn {

class Generator;

/// A source that is ready to be attended to: its keys [B, 1, S, A], its values [B, S, V], and [B, 1, S] with
/// a 1 for the time steps that count. All parts have the batch first, so that it can be part of a cell's
/// state.
template <class T>
using AttentionMemory = std::array<Var<T>, 3>;

/// The result for queries [B, Q] is a context [B, V] and weights [B, S]; for queries [T, B, Q] both with T in
/// front. The weights of a query add up to 1.
template <class T>
struct Attended {
    Var<T> context;
    Var<T> weights;
};

/// Additive attention (Bahdanau, Cho and Bengio 2015, arXiv:1409.0473, appendix A.1.2): the score of query q
/// and key k is tanh(q W + k U) v.
template <class T>
struct AdditiveAttention {
    Parameter<T> W;  ///< query to attention, [Q, A]
    Parameter<T> U;  ///< key to attention, [K, A]
    Parameter<T> v;  ///< [A, 1]

    /// All drawn by `xavier_uniform`. Throws `std::invalid_argument` when a size is 0.
    AdditiveAttention(std::size_t query_size, std::size_t key_size, std::size_t attention_size,
                      Generator& generator);
    /// Makes the layer of given weights. Throws `std::invalid_argument` when their shapes do not fit.
    AdditiveAttention(Tensor<T> W, Tensor<T> U, Tensor<T> v);

    /// The source [S, B, K] is keys and values at once; `lengths` says how many time steps of each row count,
    /// empty for all. Throws `std::invalid_argument` when shapes or lengths do not fit.
    AttentionMemory<T> prepare(const Operand<T>& source, const std::vector<std::size_t>& lengths = {}) const;
    /// Keys [S, B, K] and values [S, B, V].
    AttentionMemory<T> prepare(const Operand<T>& keys, const Operand<T>& values,
                               const std::vector<std::size_t>& lengths) const;
    /// Throws `std::invalid_argument` when the query does not fit.
    Attended<T> operator()(const Operand<T>& query, const AttentionMemory<T>& memory) const;

    ParameterList<T> parameters() { return parameter_list(W, U, v); }
};

/// Options of a `DotAttention`.
struct DotAttentionOptions {
    /// Divide the scores by the square root of the key size (Vaswani et al. 2017, arXiv:1706.03762).
    bool scaled = false;
};

/// Dot-product attention (Luong, Pham and Manning 2015, arXiv:1508.04025, equation 8): the score of query q
/// and key k is their inner product. It has no parameters; queries and keys are equally long.
template <class T>
struct DotAttention {
    bool scaled;

    /// Makes the layer; it has no parameters.
    explicit DotAttention(DotAttentionOptions options = {}) : scaled(options.scaled) {}

    /// Prepares a source as `AdditiveAttention::prepare` does.
    AttentionMemory<T> prepare(const Operand<T>& source, const std::vector<std::size_t>& lengths = {}) const;
    AttentionMemory<T> prepare(const Operand<T>& keys, const Operand<T>& values,
                               const std::vector<std::size_t>& lengths) const;
    /// Throws `std::invalid_argument` when the query does not fit.
    Attended<T> operator()(const Operand<T>& query, const AttentionMemory<T>& memory) const;

    ParameterList<T> parameters() { return {}; }
};

extern template struct AdditiveAttention<float>;
extern template struct AdditiveAttention<double>;
extern template struct DotAttention<float>;
extern template struct DotAttention<double>;

}  // namespace tapeloop::nn
