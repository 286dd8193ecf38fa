#pragma once

#include <autograd/ops/elementwise.hpp>
#include <nn/wrappers/recurrent_dropout.hpp>

namespace tapeloop::nn {

/// The probabilities with which units keep their old value.
struct ZoneoutRates {
    double hidden = 0.1;  ///< of h: the first part of the state, and of every layer's in a stack
    double memory = 0.1;  ///< of the other parts, such as an LSTM's c
};

/// A cell whose units, drawn anew at each time step, keep their old value instead of taking the next (Krueger
/// et al. 2017, arXiv:1606.01305). In a `Training` scope a mask decides, a node named `zoneout mask` that is
/// 1 where the old value stays; outside of it the expectation is taken, rate · old + (1 - rate) · next. An
/// output that is the state h follows it.
template <class C>
struct Zoneout {
    using T = ValueOf<C>;
    using State = StateOf<C>;

    C inner;
    ZoneoutRates rates;

    /// Takes a cell and the rates. Throws `std::invalid_argument` unless they are in [0, 1).
    Zoneout(C cell, ZoneoutRates zoneout_rates = {}) : inner(std::move(cell)), rates(zoneout_rates) {
        detail::require_rate("Zoneout", rates.hidden);
        detail::require_rate("Zoneout", rates.memory);
    }

    State initial_state(std::size_t batch) const { return inner.initial_state(batch); }

    PreparedOf<C> prepare() const { return nn::prepare(inner); }
    ProjectedOf<C> project(const Var<T>& x, const PreparedOf<C>& prepared) const {
        return nn::project(inner, x, prepared);
    }

    std::pair<Var<T>, State> step(const ProjectedOf<C>& u, const State& state,
                                  const PreparedOf<C>& prepared) const {
        auto [output, proposed] = nn::step(inner, u, state, prepared);
        Var<T> shown = output;
        const std::vector<bool> is_h = nn::hidden_parts(inner);
        std::size_t part = 0;
        const State next = map_state(
            [&](const Var<T>& then, const Var<T>& before) {
                const bool is_output = then.is(shown);
                const bool is_hidden = part < is_h.size() && is_h[part];
                ++part;
                const Var<T> mixed = mix(then, before, is_hidden ? rates.hidden : rates.memory);
                if (is_output) shown = mixed;
                return mixed;
            },
            proposed, state);
        return {shown, next};
    }

    std::vector<bool> hidden_parts() const { return nn::hidden_parts(inner); }
    ParameterList<T> parameters() { return inner.parameters(); }

  private:
    static Var<T> mix(const Var<T>& next, const Var<T>& before, double rate) {
        if (rate == 0 || next.is(before)) return next;
        Generator* generator = Training::generator();
        if (generator == nullptr) return rate * before + (1 - rate) * next;
        const Var<T> stays = detail::drawn_zoneout_mask<T>(next.shape(), rate, *generator);
        return where(stays, before, next);
    }
};

}  // namespace tapeloop::nn
