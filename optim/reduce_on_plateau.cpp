#include <fmt/format.h>
#include <optim/reduce_on_plateau.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

namespace {

template <class Value>
void require_same(std::string_view option, Value given, Value own) {
    if (given != own)
        throw std::invalid_argument(
            fmt::format("reduce_on_plateau: {} is {} in the state and {} here; the options must be the same",
                        option, given, own));
}

void require_at_most(std::string_view count, std::uint64_t given, std::string_view option,
                     std::uint64_t most) {
    if (given > most)
        throw std::invalid_argument(
            fmt::format("reduce_on_plateau: the state's {} is {}; it cannot be above {}, {}", count, given,
                        option, most));
}

}  // namespace

ReduceOnPlateau::ReduceOnPlateau(ReduceOnPlateauOptions options)
    : state_{.options = options, .learning_rate = options.learning_rate} {
    require_not_negative("reduce_on_plateau", "learning_rate", options.learning_rate);
    require_below_one("reduce_on_plateau", "factor", options.factor);
    require_not_negative("reduce_on_plateau", "threshold", options.threshold);
    require_not_negative("reduce_on_plateau", "least", options.least);
    require_not_negative("reduce_on_plateau", "smallest_change", options.smallest_change);
    const double infinity = std::numeric_limits<double>::infinity();
    state_.best = options.larger_is_better ? -infinity : infinity;
}

double ReduceOnPlateau::operator()(double metric) {
    if (std::isnan(metric))
        throw std::invalid_argument("reduce_on_plateau: the metric is nan; nothing was counted");
    ++state_.bad;
    if (is_better(metric)) {
        state_.best = metric;
        state_.bad = 0;
    }
    if (state_.cooling > 0) {
        --state_.cooling;
        state_.bad = 0;
    }
    if (state_.bad > state_.options.patience) reduce();
    return state_.learning_rate;
}

void ReduceOnPlateau::require_fits(const ReduceOnPlateauState& state) const {
    const ReduceOnPlateauOptions& given = state.options;
    const ReduceOnPlateauOptions& own = state_.options;
    require_same("factor", given.factor, own.factor);
    require_same("patience", given.patience, own.patience);
    require_same("threshold", given.threshold, own.threshold);
    require_same("relative", given.relative, own.relative);
    require_same("larger_is_better", given.larger_is_better, own.larger_is_better);
    require_same("cooldown", given.cooldown, own.cooldown);
    require_same("least", given.least, own.least);
    require_same("smallest_change", given.smallest_change, own.smallest_change);
    require_not_negative("reduce_on_plateau", "learning_rate", state.learning_rate);
    if (std::isnan(state.best))
        throw std::invalid_argument("reduce_on_plateau: the state's best metric is nan");
    require_at_most("bad", state.bad, "patience", own.patience);
    require_at_most("cooling", state.cooling, "cooldown", own.cooldown);
}

void ReduceOnPlateau::restore(const ReduceOnPlateauState& state) {
    require_fits(state);
    const double first_rate = state_.options.learning_rate;
    state_ = state;
    state_.options.learning_rate = first_rate;
}

bool ReduceOnPlateau::is_better(double metric) const {
    const bool larger = state_.options.larger_is_better;
    if (std::isinf(state_.best)) return larger ? metric > state_.best : metric < state_.best;
    double to_beat = 0;
    if (state_.options
            .relative)  // of the size of the best: a negative one must not move against the direction
        to_beat = state_.best * (larger == (state_.best >= 0) ? 1 + state_.options.threshold
                                                              : 1 - state_.options.threshold);
    else
        to_beat = state_.best + (larger ? state_.options.threshold : -state_.options.threshold);
    return larger ? metric > to_beat : metric < to_beat;
}

void ReduceOnPlateau::reduce() {
    const double reduced = std::max(state_.learning_rate * state_.options.factor, state_.options.least);
    if (state_.learning_rate - reduced > state_.options.smallest_change) state_.learning_rate = reduced;
    state_.cooling = state_.options.cooldown;
    state_.bad = 0;
}

}  // namespace tapeloop::optim
