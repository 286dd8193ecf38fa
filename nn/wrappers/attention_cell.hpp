#pragma once

#include <autograd/ops/join.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/initialisers.hpp>
#include <nn/layers/attention.hpp>
#include <nn/sequence/cell.hpp>

#include <tuple>
#include <vector>

namespace tapeloop::nn {

namespace detail {

/// The state that an `AttentionCell` starts from, besides the inner state and the source. Throws unless the
/// source is [S, B, width].
template <class T>
struct AttentionStart {
    std::size_t time_steps;
    std::size_t batch;
    std::size_t width;

    AttentionStart(const Operand<T>& source, std::size_t width);
    Var<T> context() const { return input(zeros<T>({batch, width})); }
    Var<T> weights() const { return input(zeros<T>({batch, time_steps})); }
};

extern template struct AttentionStart<float>;
extern template struct AttentionStart<double>;

}  // namespace detail

/// A cell that looks at a source at every time step: a decoder's (Luong, Pham and Manning 2015,
/// arXiv:1508.04025, with its input feeding). With any cell inside and any attention,
///
///     h_t = cell([x_t, c_{t-1}])        c_t = attention(h_t, source)
///
/// x_t is [B, I], the context c_t [B, K], and the output is [h_t, c_t], [B, H + K]; the inner cell reads
/// I + K values. The source is part of the state, as are the weights, so that a decoder is unrolled, carried
/// on and searched as any other cell:
///
///     const auto decoded = unroll(cell, x, cell.attending(encoded.outputs, lengths), {.trace = true});
///     decoded.outputs;  cell.weights(decoded.trace[t]);
///
/// `initial_state` has a source without time steps, whose context is 0. A state that was carried holds the
/// source as values, from which no gradient reaches the attention's weights and the encoder: where they are
/// to be trained in every stretch, attend anew, with the carried inner state. An attention is any type with
/// the members of `DotAttention`.
template <class C, class A = AdditiveAttention<ValueOf<C>>>
struct AttentionCell {
    using T = ValueOf<C>;
    /// The source as the attention prepares it.
    using Source = std::remove_cvref_t<decltype(std::declval<const A&>().prepare(
        std::declval<const Operand<T>&>(), std::vector<std::size_t>()))>;
    /// The inner cell's state, the context [B, K], the weights [B, S], the source.
    using State = std::tuple<StateOf<C>, Var<T>, Var<T>, Source>;

    C cell;
    A attention;
    std::size_t source_size;  ///< K

    /// Takes a cell, an attention, and the width of the source's values.
    AttentionCell(C inner, A scoring, std::size_t source_width)
        : cell(std::move(inner)), attention(std::move(scoring)), source_size(source_width) {}

    State initial_state(std::size_t batch) const {
        State state = attending(input(zeros<T>({0, batch, source_size})));
        // Of nothing: it asks nothing of the parameters that a source would be prepared with.
        std::get<3>(state) = map_state([](const Var<T>& part) { return detach(part); }, std::get<3>(state));
        return state;
    }

    /// The state that looks at `source` [S, B, K], of whose rows the first `lengths` time steps count (empty:
    /// all). The inner cell starts from its initial state, or from the one given, such as the encoder's last.
    /// Throws `std::invalid_argument` when shapes or lengths do not fit.
    State attending(const Operand<T>& source, const std::vector<std::size_t>& lengths = {}) const {
        const detail::AttentionStart<T> start(source, source_size);
        const Source prepared = attention.prepare(source, lengths);
        return {cell.initial_state(start.batch), start.context(), start.weights(), prepared};
    }
    State attending(const Operand<T>& source, const std::vector<std::size_t>& lengths,
                    const StateOf<C>& state) const {
        const detail::AttentionStart<T> start(source, source_size);
        const Source prepared = attention.prepare(source, lengths);
        return {state, start.context(), start.weights(), prepared};
    }

    PreparedOf<C> prepare() const { return nn::prepare(cell); }

    std::pair<Var<T>, State> step(const Var<T>& x, const State& state, const PreparedOf<C>& prepared) const {
        const auto& [inner, context, weights, source] = state;
        auto [h, next] = advance(cell, concatenate({x, context}, -1), inner, prepared);
        const Attended<T> attended = attention(h, source);
        return {concatenate({h, attended.context}, -1),
                State(std::move(next), attended.context, attended.weights, source)};
    }

    /// Returns the weight of each time step of the source, [B, S].
    static const Var<T>& weights(const State& state) { return std::get<2>(state); }

    std::vector<bool> hidden_parts() const requires detail::NamesHiddenParts<C> {
        return nn::hidden_parts(cell);
    }
    /// `cell/..` and `attention/..`.
    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("cell", cell.parameters());
        list.add("attention", attention.parameters());
        return list;
    }
};

}  // namespace tapeloop::nn
