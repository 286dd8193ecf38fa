#include <tests/nn/files/checkpoint/training.hpp>

#include <doctest/doctest.h>

#include <cstring>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::uint64_t all_steps = 50;

template <class T>
void check_resumed_after_every_step(const MakeOptimizer<T>& make) {
    TrainingRun<T> run(make);
    std::vector<nn::NamedArrays> saved;
    for (std::uint64_t k = 0; k < all_steps; ++k) {
        run.advance_to(k);
        saved.push_back(run.checkpoint.state());
    }
    run.advance_to(all_steps);
    for (std::uint64_t k = 0; k < all_steps; ++k) {
        TrainingRun<T> resumed(make);
        resumed.checkpoint.restore(saved[k]);
        CHECK(resumed.steps() == k);
        CHECK(difference(resumed.checkpoint.state(), saved[k]) == "");
        resumed.advance_to(all_steps);
        const std::string problem = difference(resumed.checkpoint.state(), run.checkpoint.state());
        CHECK_MESSAGE(problem.empty(), "stopped after step ", k, ": ", problem);
    }
}

/// Stops after half of the steps, and says what the rest makes of a checkpoint that lacks something.
std::string difference_without(const std::string& name) {
    const MakeOptimizer<double>& make = optimizer_named<double>("adam");
    TrainingRun<double> run(make, {.left_out = {name}});
    run.advance_to(all_steps / 2);
    const nn::NamedArrays saved = run.checkpoint.state();
    run.advance_to(all_steps);
    TrainingRun<double> resumed(make, {.left_out = {name}});
    resumed.checkpoint.restore(saved);
    // Without the optimizer it does not know how many steps were made.
    resumed.advance_to(name == "optimizer" ? all_steps / 2 : all_steps);
    return difference(resumed.results(), run.results());
}

}  // namespace

TEST_CASE("checkpoint: a training that goes on is the one that was not stopped, after every step") {
    for (const auto& [name, make] : every_optimizer<double>()) {
        CAPTURE(name);
        check_resumed_after_every_step<double>(make);
    }
    check_resumed_after_every_step<float>(optimizer_named<float>("adam"));
}

TEST_CASE("checkpoint: without any one of its parts the training becomes another") {
    CHECK(difference_without("nothing") == "");
    for (const std::string part :
         {"generator", "model", "optimizer", "average", "plateau", "state", "order", "place", "losses"}) {
        CAPTURE(part);
        CHECK(difference_without(part) != "");
    }
}

TEST_CASE("checkpoint: an object goes back to what was saved") {
    TrainingRun<double> run(optimizer_named<double>("nadam"));
    run.advance_to(10);
    const nn::NamedArrays saved = run.checkpoint.state();
    run.advance_to(30);
    const nn::NamedArrays later = run.checkpoint.state();
    run.checkpoint.restore(saved);
    CHECK(difference(run.checkpoint.state(), saved) == "");
    run.advance_to(30);
    CHECK(difference(run.checkpoint.state(), later) == "");
}
