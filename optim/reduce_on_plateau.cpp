#include <optim/reduce_on_plateau.hpp>
#include <optim/require.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

ReduceOnPlateau::ReduceOnPlateau(ReduceOnPlateauOptions options)
    : options_(options), learning_rate_(options.learning_rate) {
    require_not_negative("reduce_on_plateau", "learning_rate", options.learning_rate);
    require_below_one("reduce_on_plateau", "factor", options.factor);
    require_not_negative("reduce_on_plateau", "threshold", options.threshold);
    require_not_negative("reduce_on_plateau", "least", options.least);
    require_not_negative("reduce_on_plateau", "smallest_change", options.smallest_change);
    const double infinity = std::numeric_limits<double>::infinity();
    best_ = options.larger_is_better ? -infinity : infinity;
}

double ReduceOnPlateau::operator()(double metric) {
    if (std::isnan(metric))
        throw std::invalid_argument("reduce_on_plateau: the metric is nan; nothing was counted");
    ++bad_;
    if (is_better(metric)) {
        best_ = metric;
        bad_ = 0;
    }
    if (cooling_ > 0) {
        --cooling_;
        bad_ = 0;
    }
    if (bad_ > options_.patience) reduce();
    return learning_rate_;
}

bool ReduceOnPlateau::is_better(double metric) const {
    const bool larger = options_.larger_is_better;
    if (std::isinf(best_)) return larger ? metric > best_ : metric < best_;
    double to_beat = 0;
    if (options_.relative)  // of the size of the best: a negative one must not move against the direction
        to_beat = best_ * (larger == (best_ >= 0) ? 1 + options_.threshold : 1 - options_.threshold);
    else
        to_beat = best_ + (larger ? options_.threshold : -options_.threshold);
    return larger ? metric > to_beat : metric < to_beat;
}

void ReduceOnPlateau::reduce() {
    const double reduced = std::max(learning_rate_ * options_.factor, options_.least);
    if (learning_rate_ - reduced > options_.smallest_change) learning_rate_ = reduced;
    cooling_ = options_.cooldown;
    bad_ = 0;
}

}  // namespace tapeloop::optim
