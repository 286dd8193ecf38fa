#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace tapeloop::benchmarks {

namespace {

// Parameters hardly move while they are timed, so every round does the same work.
constexpr float learning_rate = 1e-7F;

double milliseconds_for(Contender& contender, int steps) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    for (int i = 0; i < steps; ++i) contender.step(learning_rate);
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count() / steps;
}

// A step this short feels that the contender before has filled the caches with its own data.
constexpr double short_ms = 10;

struct Turn {
    int steps;
    bool warms_up;  // by a step that is not counted

    double take(Contender& contender) const {
        if (warms_up) contender.step(learning_rate);
        return milliseconds_for(contender, steps);
    }
};

Turn plan_turn(Contender& contender, double turn_ms) {
    double shortest = milliseconds_for(contender, 1);
    for (int i = 0; i < 4 && shortest < short_ms; ++i)
        shortest = std::min(shortest, milliseconds_for(contender, 1));
    return {std::max(1, static_cast<int>(std::ceil(turn_ms / shortest))), shortest < short_ms};
}

double quantile(std::vector<double> values, double fraction) {
    const double position = fraction * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::ptrdiff_t>(position);
    std::sort(values.begin(), values.end());
    const double low = values[static_cast<std::size_t>(below)];
    const double high = values[std::min(static_cast<std::size_t>(below) + 1, values.size() - 1)];
    return low + (high - low) * (position - static_cast<double>(below));
}

}  // namespace

std::vector<Timing> measure_in_turns(const std::vector<Contender*>& contenders, const Budget& budget) {
    std::vector<Turn> turns;
    std::vector<std::vector<double>> samples(contenders.size());
    for (Contender* contender : contenders) turns.push_back(plan_turn(*contender, budget.turn_ms));

    const double total_ms = 1000 * budget.seconds_each * static_cast<double>(contenders.size());
    double spent_ms = 0;
    int rounds = 0;
    while (rounds < budget.fewest_rounds || (rounds < budget.most_rounds && spent_ms < total_ms)) {
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(budget.pause_ms));
            samples[i].push_back(turns[i].take(*contenders[i]));
            spent_ms += samples[i].back() * turns[i].steps + budget.pause_ms;
        }
        ++rounds;
    }

    std::vector<Timing> timings;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        timings.push_back({quantile(samples[i], 0.5), quantile(samples[i], 0.25), quantile(samples[i], 0.75),
                           rounds, turns[i].steps});
    }
    return timings;
}

}  // namespace tapeloop::benchmarks
