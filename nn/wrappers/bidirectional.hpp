#pragma once

#include <nn/sequence/unroll.hpp>

namespace tapeloop::nn {

/// The way in which the outputs of two directions become one.
enum class Merge {
    concat,   ///< side by side, those of the forward direction first: [T, B, 2H]
    sum,      ///< forward + backward
    product,  ///< forward · backward, element by element
    average,  ///< (forward + backward) / 2
};

/// The merged outputs of two directions. Throws `std::invalid_argument` when, but for `concat`, their shapes
/// differ.
Var<float> merge(Merge how, const Var<float>& forward, const Var<float>& backward);
Var<double> merge(Merge how, const Var<double>& forward, const Var<double>& backward);

/// Two cells, one of which reads the sequence from its end (Schuster and Paliwal 1997). At every t the merged
/// outputs know what came before and what comes after. With `lengths`, each row is read backward from its
/// own last step. The state is the pair of the two cells' states.
template <class F, class B = F>
struct Bidirectional {
    using T = ValueOf<F>;
    using State = std::pair<StateOf<F>, StateOf<B>>;

    F forward;
    B backward;
    Merge how = Merge::concat;

    State initial_state(std::size_t batch) const {
        return {forward.initial_state(batch), backward.initial_state(batch)};
    }

    Unrolled<T, State> unroll(const Var<T>& x, const State& state, const UnrollOptions& options) const {
        UnrollOptions against = options;
        against.reverse = !options.reverse;
        const UnrolledOf<F> ahead = one_direction("forward", forward, x, state.first, options);
        const UnrolledOf<B> back = one_direction("backward", backward, x, state.second, against);
        Unrolled<T, State> result{merge(how, ahead.outputs, back.outputs), {ahead.state, back.state}, {}};
        for (std::size_t t = 0; t < ahead.trace.size(); ++t)
            result.trace.emplace_back(ahead.trace[t], back.trace[t]);
        return result;
    }

    ParameterList<T> parameters() {
        ParameterList<T> list;
        list.add("forward", forward.parameters());
        list.add("backward", backward.parameters());
        return list;
    }

  private:
    template <class C>
    static UnrolledOf<C> one_direction(std::string_view name, const C& cell, const Var<T>& x,
                                       const StateOf<C>& state, const UnrollOptions& options) {
        const LabelScope<T> direction(name);
        return detail::run(cell, Operand<T>(x), state, options);
    }
};

template <class F, class B>
Bidirectional(F, B) -> Bidirectional<F, B>;
template <class F, class B>
Bidirectional(F, B, Merge) -> Bidirectional<F, B>;

}  // namespace tapeloop::nn
