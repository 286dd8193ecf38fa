#include <tests/optim/optimizer.hpp>

#include <optim/schedule.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::CosineSchedule;
using optim::CosineScheduleOptions;
using optim::ExponentialSchedule;
using optim::StepSchedule;

// The numbers are those of PyTorch 1.13's classes, step by step.
TEST_CASE("step_schedule: a factor at every so many steps") {
    const StepSchedule schedule({.learning_rate = 0.8, .every = 3, .factor = 0.5});
    double expected = 0.8;
    for (std::uint64_t step = 0; step < 40; ++step) {
        if (step > 0 && step % 3 == 0) expected *= 0.5;
        CHECK(schedule(step) == doctest::Approx(expected).epsilon(1e-14));
    }
}

TEST_CASE("exponential_schedule: a factor at every step") {
    const ExponentialSchedule schedule({.learning_rate = 0.8, .factor = 0.9});
    double expected = 0.8;
    for (std::uint64_t step = 0; step < 100; ++step, expected *= 0.9)
        CHECK(schedule(step) == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("cosine_schedule: a line up, half a wave down, and then the least") {
    const CosineSchedule schedule(
        {.learning_rate = 0.9, .steps = 10, .least = 0.1, .warm_up_steps = 4, .warm_up_factor = 0.2});
    // 0.1 + 0.8 (1 + cos(k pi / 6)) / 2
    const double half = std::sqrt(3) / 2;
    const std::vector<double> expected{
        0.18, 0.36, 0.54, 0.72, 0.9, 0.5 + 0.4 * half, 0.7, 0.5, 0.3, 0.5 - 0.4 * half, 0.1, 0.1, 0.1};
    for (std::size_t step = 0; step < expected.size(); ++step) {
        CAPTURE(step);
        CHECK(schedule(step) == doctest::Approx(expected[step]).epsilon(1e-13));
    }
    CHECK(schedule(1'000'000) == 0.1);
    const CosineSchedule plain({.learning_rate = 2, .steps = 4});
    CHECK(plain(0) == 2);
    CHECK(plain(2) == doctest::Approx(1));
    CHECK(plain(4) == 0);
    CHECK(CosineSchedule({.learning_rate = 3, .steps = 4, .warm_up_steps = 2})(0) == doctest::Approx(1));
}

TEST_CASE("schedules: options out of range are refused") {
    const auto text = [](auto&& make) { return text_of<std::invalid_argument>(make); };
    CHECK(text([] { StepSchedule({.learning_rate = -1}); }) ==
          "step_schedule: learning_rate is -1; it must be in [0, inf)");
    CHECK(text([] { StepSchedule({.every = 0}); }) == "step_schedule: every is 0; it must be at least 1");
    CHECK(text([] { StepSchedule({.factor = -1}); }).starts_with("step_schedule: factor is -1"));
    CHECK(text([] {
              ExponentialSchedule({.learning_rate = infinity});
          }).starts_with("exponential_schedule: learning_rate is inf"));
    CHECK(text([] {
              ExponentialSchedule({.factor = not_a_number});
          }).starts_with("exponential_schedule: factor is nan"));
    const auto cosine = [&](const CosineScheduleOptions& options) {
        return text([&] { CosineSchedule schedule(options); });
    };
    CHECK(cosine({.learning_rate = -1}) == "cosine_schedule: learning_rate is -1; it must be in [0, inf)");
    CHECK(cosine({.learning_rate = 1, .least = 2}) == "cosine_schedule: least is 2; it must be in [0, 1]");
    CHECK(cosine({.warm_up_factor = 1.5}) == "cosine_schedule: warm_up_factor is 1.5; it must be in [0, 1]");
    CHECK(cosine({.steps = 5, .warm_up_steps = 5}) ==
          "cosine_schedule: steps is 5 and warm_up_steps 5; steps must be larger");
    CHECK(cosine({.steps = 0}) != "");
}
