#pragma once

#include <autograd/ops/index.hpp>
#include <autograd/parameter.hpp>

#include <optional>

namespace tapeloop::nn {

class Generator;

/// Options of an `Embedding`.
struct EmbeddingOptions {
    /// A token that stands for nothing, such as what fills up a batch of sentences: its row starts as zeros
    /// and gets no gradient, as PyTorch defines it.
    std::optional<std::size_t> padding = std::nullopt;
};

/// A vector for each of N tokens: integers of any shape [..] become [.., D].
template <class T>
struct Embedding {
    Parameter<T> table;  ///< [N, D]
    std::optional<std::size_t> padding;

    /// The table is drawn from the standard normal distribution. Throws `std::invalid_argument` when a size
    /// is 0, or the padding is not among the tokens.
    Embedding(std::size_t tokens, std::size_t size, Generator& generator, EmbeddingOptions options = {});
    /// Makes the layer of a given table [N, E]; the padding's row stays what it is, and gets no gradient.
    /// Throws `std::invalid_argument` when it is not a matrix, or the padding is not among its rows.
    explicit Embedding(Tensor<T> table, EmbeddingOptions options = {});

    /// Throws `std::invalid_argument`, naming the place, when a token is not in 0..N-1.
    Var<T> operator()(const Indices& tokens, CallSite site = CallSite::current()) const;

    ParameterList<T> parameters() { return parameter_list(table); }
};

extern template struct Embedding<float>;
extern template struct Embedding<double>;

}  // namespace tapeloop::nn
