#include <fmt/format.h>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/operation.hpp>
#include <autograd/tape.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/embedding.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {

using namespace tapeloop::detail;
using namespace detail;

namespace {

void require_padding(const Shape& table, std::optional<std::size_t> padding) {
    if (padding.has_value() && *padding >= table[0])
        throw std::invalid_argument(fmt::format("Embedding: padding is {} and table {}; it must be in 0..{}",
                                                *padding, table.text(), table[0] - 1));
}

std::string place_text(std::size_t element, const Shape& shape) {
    std::string text;
    for (std::size_t axis = shape.rank(); axis-- > 0; element /= shape[axis])
        text = fmt::format("{}{}{}", element % shape[axis], text.empty() ? "" : ", ", text);
    return "[" + text + "]";
}

void require_tokens(const Indices& tokens, const Shape& table, const CallSite& site) {
    const auto count = static_cast<std::ptrdiff_t>(table[0]);
    for (std::size_t i = 0; i < tokens.values().size(); ++i) {
        const std::ptrdiff_t token = tokens.values()[i];
        if (token < 0 || token >= count)
            throw std::invalid_argument(
                with_site(fmt::format("Embedding: the token at {} is {}; table is {}, so it must be in 0..{}",
                                      place_text(i, tokens.shape()), token, table.text(), count - 1),
                          site, ""));
    }
}

/// [.., 1] for tokens [..]: 1 where one is the padding. It follows the tokens that a program gives.
template <class T>
Var<T> padding_mask(const Indices& tokens, std::size_t count, std::size_t padding, const CallSite& site) {
    Tensor<T> is_padding = uninitialised<T>({count, 1});
    std::fill_n(is_padding.data(), count, T(0));
    is_padding.data()[padding] = T(1);
    return gather_rows(Operand<T>(is_padding, site), tokens);
}

}  // namespace

template <class T>
Embedding<T>::Embedding(std::size_t tokens, std::size_t size, Generator& generator, EmbeddingOptions options)
    : padding(options.padding) {
    if (tokens == 0 || size == 0)
        throw std::invalid_argument(
            fmt::format("Embedding: tokens is {} and size {}; both must be at least 1", tokens, size));
    require_padding({tokens, size}, padding);
    Tensor<T> rows = normal<T>({tokens, size}, 0, 1, generator);
    if (padding.has_value()) std::fill_n(rows.data() + *padding * size, size, T(0));
    table = Parameter<T>("table", std::move(rows));
}

template <class T>
Embedding<T>::Embedding(Tensor<T> rows, EmbeddingOptions options)
    : table("table", std::move(rows)), padding(options.padding) {
    if (table.shape().rank() != 2 || table.shape().size() == 0)
        throw std::invalid_argument(fmt::format(
            "Embedding: table is {}; it must be a matrix [N, D] with elements", table.shape().text()));
    require_padding(table.shape(), padding);
}

template <class T>
Var<T> Embedding<T>::operator()(const Indices& tokens, CallSite site) const {
    require_tokens(tokens, table.shape(), site);
    const Var<T> rows = gather_rows(Operand<T>(table, site), tokens);
    if (!padding.has_value()) return rows;
    // The same value by a way that no cotangent takes.
    const Var<T> mask = padding_mask<T>(tokens, table.shape()[0], *padding, site);
    return where(Operand<T>(mask, site), detach(Operand<T>(rows, site)), rows);
}

template struct Embedding<float>;
template struct Embedding<double>;

}  // namespace tapeloop::nn
