#pragma once

#include <nn/initialisers.hpp>
#include <nn/layers/dropout.hpp>
#include <nn/sequence/cell.hpp>
#include <nn/training.hpp>

namespace tapeloop::nn {

/// A cell that reads its own h through a dropout mask which is the same for all time steps (Gal and
/// Ghahramani 2016, arXiv:1512.05287; Keras' `recurrent_dropout`). h is the first part of the state; the
/// others, such as an LSTM's c, are read as they are.
///
/// The mask, [B, H], is drawn by `initial_state` in a `Training` scope and is part of the state: it is seen
/// on the tape, and is handed on with `carry` and `resume`. Outside it consists of ones. Dropout of the
/// inputs is `Dropout{rate, true}` in front of the cell.
template <class C>
struct RecurrentDropout {
    using T = ValueOf<C>;
    using State = std::pair<StateOf<C>, Var<T>>;

    C inner;
    double rate;

    RecurrentDropout(C cell, double drop_rate) : inner(std::move(cell)), rate(drop_rate) {
        require_rate("RecurrentDropout", rate);
    }

    State initial_state(std::size_t batch) const {
        const StateOf<C> state = inner.initial_state(batch);
        const Shape h = shapes_of(state).front();
        Generator* generator = Training::generator();
        const Tensor<T> mask = generator == nullptr ? ones<T>(h) : dropout_mask<T>(h, rate, *generator);
        return {state, input(mask).named("dropout mask")};
    }

    Var<T> project(const Var<T>& x) const { return nn::project(inner, x); }

    std::pair<Var<T>, State> step(const Var<T>& u, const State& state) const {
        const auto& [own, mask] = state;
        bool is_h = true;
        const StateOf<C> read = map_state(
            [&, m = mask](const Var<T>& part) { return std::exchange(is_h, false) ? part * m : part; }, own);
        auto [output, next] = inner.step(u, read);
        return {output, State{next, mask}};
    }

    ParameterList<T> parameters() { return inner.parameters(); }
};

}  // namespace tapeloop::nn
