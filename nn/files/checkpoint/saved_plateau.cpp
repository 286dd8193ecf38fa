#include <fmt/format.h>
#include <nn/files/checkpoint/saved.hpp>
#include <optim/reduce_on_plateau.hpp>

#include <stdexcept>

namespace tapeloop::nn::detail {

using optim::ReduceOnPlateauOptions;
using optim::ReduceOnPlateauState;

namespace {

/// Calls `take` with the name of each option that has to be the same, and its value as a number.
void for_each_option(const ReduceOnPlateauOptions& options, const auto& take) {
    take("factor", options.factor);
    take("patience", static_cast<double>(options.patience));
    take("threshold", options.threshold);
    take("relative", options.relative ? 1.0 : 0.0);
    take("larger_is_better", options.larger_is_better ? 1.0 : 0.0);
    take("cooldown", static_cast<double>(options.cooldown));
    take("least", options.least);
    take("smallest_change", options.smallest_change);
}

void collect_state(const ReduceOnPlateauState& state, Collected& out) {
    for_each_option(state.options,
                    [&](const char* option, double value) { out.text(option, fmt::format("{}", value)); });
    out.number("learning_rate", state.learning_rate);
    out.number("best", state.best);
    out.number("bad", state.bad);
    out.number("cooling", state.cooling);
}

void read_state(ReduceOnPlateauState& state, Comparison& saved) {
    for_each_option(state.options,
                    [&](const char* option, double value) { saved.require_option(option, value); });
    state.learning_rate = saved.number<double>("learning_rate").value_or(0);
    state.best = saved.number<double>("best").value_or(0);
    state.bad = saved.number<std::uint64_t>("bad").value_or(0);
    state.cooling = saved.number<std::uint64_t>("cooling").value_or(0);
}

}  // namespace

Saved saved_plateau(optim::ReduceOnPlateau& plateau) {
    const auto collect = [&plateau](Collected& out) { collect_state(plateau.state(), out); };
    const auto compare = [&plateau](Comparison& saved) -> Takeover {
        ReduceOnPlateauState state = plateau.state();
        read_state(state, saved);
        if (!saved.is_same()) return {};
        try {
            plateau.require_fits(state);
        } catch (const std::invalid_argument& error) {
            saved.differ(fmt::format("{}: {}", saved.shown(""), error.what()));
        }
        return [&plateau, state] { plateau.restore(state); };
    };
    return {"plateau", collect, compare};
}

}  // namespace tapeloop::nn::detail
