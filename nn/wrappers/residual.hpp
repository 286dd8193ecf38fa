#pragma once

#include <nn/sequence/unroll.hpp>

namespace tapeloop::nn {

namespace detail {

/// Throws `std::invalid_argument` unless a layer's outputs can be added to what it read.
void require_same_width(const Shape& x, const Shape& outputs);

}  // namespace detail

/// A cell or layer whose outputs are added to its inputs, y = x + f(x), which must be equally wide (He et al.
/// 2016; between recurrent layers Wu et al. 2016, arXiv:1609.08144).
template <class C>
struct Residual {
    using T = ValueOf<C>;

    C inner;

    StateOf<C> initial_state(std::size_t batch) const { return inner.initial_state(batch); }

    PreparedOf<C> prepare() const { return nn::prepare(inner); }

    std::pair<Var<T>, StateOf<C>> step(const Var<T>& x, const StateOf<C>& state,
                                       const PreparedOf<C>& prepared) const requires Cell<C> {
        auto [output, next] = advance(inner, x, state, prepared);
        detail::require_same_width(x.shape(), output.shape());
        return {x + output, next};
    }
    UnrolledOf<C> unroll(const Var<T>& x, const StateOf<C>& state, const UnrollOptions& options) const {
        UnrolledOf<C> result = detail::run(inner, Operand<T>(x), state, options);
        detail::require_same_width(x.shape(), result.outputs.shape());
        result.outputs = detail::without_uncounted(x, options) + result.outputs;
        return result;
    }

    std::vector<bool> hidden_parts() const { return nn::hidden_parts(inner); }
    ParameterList<T> parameters() { return inner.parameters(); }
};

template <class C>
Residual(C) -> Residual<C>;

}  // namespace tapeloop::nn
