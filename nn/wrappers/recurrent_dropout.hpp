#pragma once

#include <nn/initialisers.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/training.hpp>

#include <algorithm>
#include <stdexcept>

namespace tapeloop::nn {

namespace detail {

/// One mask, or one for each h of a cell that says which parts they are.
template <class C>
using RecurrentMasks = std::conditional_t<NamesHiddenParts<C>, std::vector<Var<ValueOf<C>>>, Var<ValueOf<C>>>;

}  // namespace detail

/// A cell that reads its own h through a dropout mask which is the same for all time steps (Gal and
/// Ghahramani 2016, arXiv:1512.05287; Keras' `recurrent_dropout`). h is the first part of the state, and of
/// every layer's in a stack, each with a mask of its own; the others, such as an LSTM's c, are read as they
/// are.
///
/// The mask, [B, H], is drawn by `initial_state` in a `Training` scope and is part of the state: it is seen
/// on the tape, and is handed on with `carry` and `resume`. Outside it consists of ones. Dropout of the
/// inputs is `Dropout{rate, true}` in front of the cell.
template <class C>
struct RecurrentDropout {
    using T = ValueOf<C>;
    /// The masks of a sequence, one for each h of the state.
    using Masks = detail::RecurrentMasks<C>;
    using State = std::pair<StateOf<C>, Masks>;

    C inner;
    double rate;

    /// Takes a cell and the share of the elements that is dropped. Throws `std::invalid_argument` unless it
    /// is in [0, 1).
    RecurrentDropout(C cell, double drop_rate) : inner(std::move(cell)), rate(drop_rate) {
        detail::require_rate("RecurrentDropout", rate);
    }

    State initial_state(std::size_t batch) const {
        const StateOf<C> state = inner.initial_state(batch);
        std::vector<Var<T>> masks;
        const std::vector<Shape> shapes = shapes_of(state);
        const std::vector<bool> is_h = nn::hidden_parts(inner);
        for (std::size_t part = 0; part < std::min(shapes.size(), is_h.size()); ++part)
            if (is_h[part]) masks.push_back(mask(shapes[part]));
        if (masks.empty())
            throw std::invalid_argument("RecurrentDropout: the state of its cell has no h to drop units of");
        if constexpr (detail::NamesHiddenParts<C>)
            return {state, masks};
        else
            return {state, masks.front()};
    }

    PreparedOf<C> prepare() const { return nn::prepare(inner); }
    ProjectedOf<C> project(const Var<T>& x, const PreparedOf<C>& prepared) const {
        return nn::project(inner, x, prepared);
    }

    std::pair<Var<T>, State> step(const ProjectedOf<C>& u, const State& state,
                                  const PreparedOf<C>& prepared) const {
        const auto& [own, masks] = state;
        const std::vector<Var<T>> list = detail::listed<T>(masks);
        const std::vector<bool> is_h = nn::hidden_parts(inner);
        auto mask = list.begin();
        std::size_t part = 0;
        const StateOf<C> read = map_state(
            [&](const Var<T>& value) {
                const bool is_hidden = part < is_h.size() && is_h[part];
                ++part;
                return is_hidden ? value * *mask++ : value;
            },
            own);
        auto [output, next] = nn::step(inner, u, read, prepared);
        return {output, State{next, masks}};
    }

    std::vector<bool> hidden_parts() const requires detail::NamesHiddenParts<C> {
        return nn::hidden_parts(inner);
    }
    ParameterList<T> parameters() { return inner.parameters(); }

  private:
    Var<T> mask(const Shape& h) const {
        Generator* generator = Training::generator();
        if (generator != nullptr) return detail::drawn_dropout_mask<T>(h, rate, *generator);
        return input(ones<T>(h)).named("dropout mask");
    }
};

}  // namespace tapeloop::nn
