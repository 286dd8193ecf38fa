#include <fmt/format.h>
#include <optim/require.hpp>
#include <optim/schedule.hpp>

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace tapeloop::optim {

using namespace detail;

StepSchedule::StepSchedule(StepScheduleOptions options) : options_(options) {
    require_not_negative("step_schedule", "learning_rate", options.learning_rate);
    require_not_negative("step_schedule", "factor", options.factor);
    if (options.every == 0) throw std::invalid_argument("step_schedule: every is 0; it must be at least 1");
}

double StepSchedule::operator()(std::uint64_t step) const {
    const std::uint64_t stretches = step / options_.every;
    return options_.learning_rate * std::pow(options_.factor, static_cast<double>(stretches));
}

ExponentialSchedule::ExponentialSchedule(ExponentialScheduleOptions options) : options_(options) {
    require_not_negative("exponential_schedule", "learning_rate", options.learning_rate);
    require_not_negative("exponential_schedule", "factor", options.factor);
}

double ExponentialSchedule::operator()(std::uint64_t step) const {
    return options_.learning_rate * std::pow(options_.factor, static_cast<double>(step));
}

CosineSchedule::CosineSchedule(CosineScheduleOptions options) : options_(options) {
    require_not_negative("cosine_schedule", "learning_rate", options.learning_rate);
    require_option("cosine_schedule", "least", options.least, 0, options.learning_rate);
    require_option("cosine_schedule", "warm_up_factor", options.warm_up_factor, 0, 1);
    if (options.steps <= options.warm_up_steps)
        throw std::invalid_argument(
            fmt::format("cosine_schedule: steps is {} and warm_up_steps {}; steps must be larger",
                        options.steps, options.warm_up_steps));
}

double CosineSchedule::operator()(std::uint64_t step) const {
    const auto& [largest, steps, least, warm_up, factor] = options_;
    if (step < warm_up)
        return largest * (factor + (1 - factor) * static_cast<double>(step) / static_cast<double>(warm_up));
    if (step >= steps) return least;
    const double part = static_cast<double>(step - warm_up) / static_cast<double>(steps - warm_up);
    return least + (largest - least) * (1 + std::cos(std::numbers::pi * part)) / 2;
}

}  // namespace tapeloop::optim
