// Fair timing of several contenders in one process.
#pragma once

#include <vector>

#include "workload.hpp"

namespace tapeloop::benchmarks {

struct Timing {
    double median_ms = 0;
    double lower_quartile_ms = 0;
    double upper_quartile_ms = 0;
    int rounds = 0;
    int steps_per_turn = 0;
};

struct Budget {
    double seconds_each = 1.5;  // for one contender at one size; exceeded where the fewest rounds take longer
    int fewest_rounds = 5;
    int most_rounds = 200;
    double turn_ms =
        2;  // a turn repeats the step at least this long, so that the clock's own time does not count
    double pause_ms =
        0;  // before each turn: idle threads of OpenMP and OpenBLAS spin for a while before they sleep
};

// The contenders take turns, A B C A B C ..., so that a change of the machine's speed hits all of them alike.
std::vector<Timing> measure_in_turns(const std::vector<Contender*>& contenders, const Budget& budget);

}  // namespace tapeloop::benchmarks
