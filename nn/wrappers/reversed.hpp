#pragma once

#include <nn/sequence/unroll.hpp>

namespace tapeloop::nn {

/// A cell or layer that reads its sequence from the end. Its outputs stand at the t they belong to.
template <class C>
struct Reversed {
    using T = ValueOf<C>;

    C inner;

    StateOf<C> initial_state(std::size_t batch) const { return inner.initial_state(batch); }

    UnrolledOf<C> unroll(const Var<T>& x, const StateOf<C>& state, const UnrollOptions& options) const {
        UnrollOptions against = options;
        against.reverse = !options.reverse;
        return detail::run(inner, Operand<T>(x), state, against);
    }

    ParameterList<T> parameters() { return inner.parameters(); }
};

template <class C>
Reversed(C) -> Reversed<C>;

}  // namespace tapeloop::nn
