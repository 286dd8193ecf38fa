#pragma once

#include <nn/layers/embedding.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/cross_entropy.hpp>
#include <nn/sequence/unroll.hpp>

namespace tapeloop::nn {

/// Reads tokens [S, B] with any cell or layer that `unroll` takes (Sutskever, Vinyals and Le 2014,
/// arXiv:1409.3215). Its final state is what a decoder starts from, its outputs what it attends to. Its nodes
/// stand under the label `encoder`.
template <class C>
struct Encoder {
    using T = ValueOf<C>;
    Embedding<T> embedding;
    C cell;

    /// Takes an embedding and the cell or layer that reads.
    Encoder(Embedding<T> vectors, C reader) : embedding(std::move(vectors)), cell(std::move(reader)) {}

    /// Reads tokens [S, B], from the cell's initial state.
    UnrolledOf<C> operator()(const Indices& tokens, const UnrollOptions& options = {}) const {
        const LabelScope<T> label("encoder");
        return unroll(cell, embedding(tokens), options);
    }

    /// `embedding/table`, `cell/..`.
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("embedding", embedding.parameters());
        list.add("cell", cell.parameters());
        return list;
    }
};

/// Writes tokens with any cell, an `AttentionCell` among them: embedding, cell, and a `Linear` that gives the
/// logits of the next token. It is a step for `decode_greedy`, `beam_search` and `sample`. Its nodes stand
/// under the label `decoder`.
template <class C>
struct Decoder {
    using T = ValueOf<C>;
    Embedding<T> embedding;
    C cell;
    Linear<T> output;

    /// Takes an embedding, the cell that writes, and the layer that gives the logits.
    Decoder(Embedding<T> vectors, C writer, Linear<T> classes)
        : embedding(std::move(vectors)), cell(std::move(writer)), output(std::move(classes)) {}

    /// Teacher forcing: whatever it would have written, it reads `tokens` [T, B], the right ones, which
    /// `shifted` makes of the targets. `outputs` of the result are the logits [T, B, O].
    UnrolledOf<C> teach(const Indices& tokens, const StateOf<C>& state,
                        const UnrollOptions& options = {}) const {
        const LabelScope<T> label("decoder");
        UnrolledOf<C> result = unroll(cell, embedding(tokens), state, options);
        result.outputs = output(result.outputs);
        return result;
    }

    /// One step of writing: from the tokens [B] before, the logits [B, O] of the next ones.
    std::pair<Var<T>, StateOf<C>> operator()(const Indices& tokens, const StateOf<C>& state) const {
        const LabelScope<T> label("decoder");
        auto [h, next] = advance(cell, embedding(tokens), state);
        return {output(h), std::move(next)};
    }

    /// `embedding/table`, `cell/..`, `output/V`, `output/c`.
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("embedding", embedding.parameters());
        list.add("cell", cell.parameters());
        list.add("output", output.parameters());
        return list;
    }
};

/// Returns what a decoder reads while it is taught targets [T, B]: `start`, then each target one step later.
/// A target that does not count, `ignore`, is read as `start`. Throws `std::invalid_argument` when targets
/// have no two axes.
Targets shifted(const Targets& targets, std::ptrdiff_t start,
                std::optional<std::ptrdiff_t> ignore = std::nullopt);

}  // namespace tapeloop::nn
