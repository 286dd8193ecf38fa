#include <tests/optim/optimizer.hpp>

#include <optim/reduce_on_plateau.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::ReduceOnPlateau;
using optim::ReduceOnPlateauOptions;

namespace {

const std::vector<double> losses{5, 4, 4, 3.9999, 3.99, 3.995, 3.99, 3.99, 3.99, 3.98, 4,
                                 4, 4, 4, 4,      4,    4,     4,    4,    4,    4,    4};

std::vector<double> rates(const ReduceOnPlateauOptions& options) {
    ReduceOnPlateau plateau(options);
    std::vector<double> result;
    for (double loss : losses) {
        result.push_back(plateau(options.larger_is_better ? 10 - loss : loss));
        CHECK(plateau.learning_rate() == result.back());
    }
    return result;
}

/// `count` times `rate`, one after the other.
struct Run {
    std::size_t count;
    double rate;
};
std::vector<double> runs(const std::vector<Run>& list) {
    std::vector<double> result;
    for (const auto& [count, rate] : list) result.insert(result.end(), count, rate);
    return result;
}

}  // namespace

TEST_CASE("reduce_on_plateau: the rates are those of PyTorch 1.13's ReduceLROnPlateau") {
    SUBCASE("the default threshold, which 3.9999 after 4 does not pass") {
        CHECK(rates({.learning_rate = 1, .factor = 0.5, .patience = 2}) ==
              runs({{7, 1}, {5, 0.5}, {3, 0.25}, {3, 0.125}, {3, 0.0625}, {1, 0.03125}}));
    }
    SUBCASE("an absolute threshold and a cooldown") {
        CHECK(rates({.learning_rate = 1,
                     .factor = 0.5,
                     .patience = 2,
                     .threshold = 0.05,
                     .relative = false,
                     .cooldown = 2}) == runs({{4, 1}, {5, 0.5}, {5, 0.25}, {5, 0.125}, {3, 0.0625}}));
    }
    SUBCASE("a larger relative threshold and a least rate") {
        CHECK(rates({.learning_rate = 1, .factor = 0.5, .patience = 2, .threshold = 0.01, .least = 0.2}) ==
              runs({{4, 1}, {3, 0.5}, {3, 0.25}, {12, 0.2}}));
    }
    SUBCASE("larger is better, and the last reduction is too small to be made") {
        CHECK(rates({.learning_rate = 1,
                     .factor = 0.5,
                     .patience = 1,
                     .threshold = 0.01,
                     .larger_is_better = true,
                     .cooldown = 1,
                     .smallest_change = 0.2}) == runs({{3, 1}, {3, 0.5}, {16, 0.25}}));
    }
    SUBCASE("larger is better by an absolute threshold, without patience") {
        CHECK(rates({.learning_rate = 1,
                     .factor = 0.5,
                     .patience = 0,
                     .threshold = 0.3,
                     .relative = false,
                     .larger_is_better = true,
                     .cooldown = 3}) ==
              runs({{2, 1}, {4, 0.5}, {4, 0.25}, {4, 0.125}, {4, 0.0625}, {4, 0.03125}}));
    }
}

TEST_CASE("reduce_on_plateau: NaN is refused and not counted, and infinity is a bad metric") {
    ReduceOnPlateau plateau({.learning_rate = 1, .factor = 0.5, .patience = 0});
    plateau(3);
    for (int i = 0; i < 5; ++i)
        CHECK(text_of<std::invalid_argument>([&] { plateau(not_a_number); }) ==
              "reduce_on_plateau: the metric is nan; nothing was counted");
    CHECK(plateau(2) == 1);
    CHECK(plateau(infinity) == 0.5);
}

TEST_CASE("reduce_on_plateau: a copy keeps the state") {
    ReduceOnPlateau plateau({.learning_rate = 1, .factor = 0.5, .patience = 1});
    plateau(1);
    plateau(1);
    ReduceOnPlateau copy = plateau;
    CHECK(copy(1) == 0.5);
    CHECK(plateau.learning_rate() == 1);
}

TEST_CASE("reduce_on_plateau: options out of range are refused") {
    const auto refused = [](const ReduceOnPlateauOptions& options) {
        return text_of<std::invalid_argument>([&] { ReduceOnPlateau plateau(options); });
    };
    CHECK(refused({.learning_rate = -1}) == "reduce_on_plateau: learning_rate is -1; it must be in [0, inf)");
    CHECK(refused({.factor = 1}) == "reduce_on_plateau: factor is 1; it must be in [0, 1)");
    CHECK(refused({.threshold = -1}).starts_with("reduce_on_plateau: threshold is -1"));
    CHECK(refused({.least = -1}).starts_with("reduce_on_plateau: least is -1"));
    CHECK(refused({.smallest_change = -1}).starts_with("reduce_on_plateau: smallest_change is -1"));
}

TEST_CASE("reduce_on_plateau: a negative metric that stays, or gets slowly worse, is not better") {
    for (bool larger : {false, true})
        for (bool relative : {false, true})
            for (double level : {-1.0, -1e-3, 0.0, 1.0, -100.0})
                for (double worse : {0.0, 1e-5, -1e-5}) {  // the last: better, but by less than the threshold
                    CAPTURE(larger);
                    CAPTURE(relative);
                    CAPTURE(level);
                    CAPTURE(worse);
                    const double step = worse * (relative ? std::abs(level) : 1) * (larger ? -1 : 1);
                    ReduceOnPlateau plateau({.learning_rate = 1,
                                             .factor = 0.5,
                                             .patience = 2,
                                             .threshold = 1e-3,
                                             .relative = relative,
                                             .larger_is_better = larger});
                    for (int n = 0; n < 3; ++n) CHECK(plateau(level + n * step) == 1);
                    CHECK(plateau(level + 3 * step) == 0.5);
                }
}

TEST_CASE("reduce_on_plateau: a negative metric that gets better by more than the threshold is better") {
    for (bool larger : {false, true})
        for (bool relative : {false, true}) {
            ReduceOnPlateau plateau({.learning_rate = 1,
                                     .factor = 0.5,
                                     .patience = 0,
                                     .threshold = 0.1,
                                     .relative = relative,
                                     .larger_is_better = larger});
            double metric = larger ? -3 : -1;
            for (int n = 0; n < 5; ++n) {
                CHECK(plateau(metric) == 1);
                metric += (larger ? 1 : -1) * 0.11 * (relative ? std::abs(metric) : 1);
            }
        }
    ReduceOnPlateau whole({.learning_rate = 1, .factor = 0.5, .patience = 0, .threshold = 1});
    CHECK(whole(5) == 1);  // any first metric is better than none
    CHECK(whole(-1) == 1);
    CHECK(whole(-1.5) == 0.5);
}

TEST_CASE("reduce_on_plateau: one that is restored goes on as the one that was not left") {
    const optim::ReduceOnPlateauOptions options{
        .learning_rate = 1, .factor = 0.5, .patience = 2, .cooldown = 2};
    Random random("metrics of a plateau");
    ReduceOnPlateau plateau(options);
    for (int n = 0; n < 60; ++n) {
        ReduceOnPlateau other({.learning_rate = 0.25, .factor = 0.5, .patience = 2, .cooldown = 2});
        other.restore(plateau.state());
        ReduceOnPlateau same = plateau;
        CHECK(other.learning_rate() == same.learning_rate());
        for (int more = 0; more < 12; ++more) {
            const double metric = random.uniform(0, 1);
            CHECK(other(metric) == same(metric));
        }
        plateau(random.uniform(0, 1));
    }
    CHECK(plateau.learning_rate() < 1);
}

TEST_CASE("reduce_on_plateau: a state that does not fit is refused, and nothing changes") {
    ReduceOnPlateau plateau({.patience = 3, .cooldown = 2});
    plateau(5);
    const auto refused = [&](const auto& change) {
        optim::ReduceOnPlateauState state = plateau.state();
        state.best = 1;
        change(state);
        const std::string text = text_of<std::invalid_argument>([&] { plateau.restore(state); });
        CHECK(plateau.state().best == 5);
        return text;
    };
    CHECK(refused([](auto& s) { s.options.factor = 0.5; }) ==
          "reduce_on_plateau: factor is 0.5 in the state and 0.1 here; the options must be the same");
    CHECK(contains(refused([](auto& s) { s.options.patience = 4; }), "patience is 4"));
    CHECK(contains(refused([](auto& s) { s.options.threshold = 1; }), "threshold is 1"));
    CHECK(contains(refused([](auto& s) { s.options.relative = false; }), "relative is false"));
    CHECK(contains(refused([](auto& s) { s.options.larger_is_better = true; }), "larger_is_better is true"));
    CHECK(contains(refused([](auto& s) { s.options.cooldown = 0; }), "cooldown is 0"));
    CHECK(contains(refused([](auto& s) { s.options.least = 1; }), "least is 1"));
    CHECK(contains(refused([](auto& s) { s.options.smallest_change = 1; }), "smallest_change is 1"));
    CHECK(contains(refused([](auto& s) { s.learning_rate = -1; }), "learning_rate is -1"));
    CHECK(contains(refused([](auto& s) { s.best = std::nan(""); }), "best metric is nan"));
    CHECK(refused([](auto& s) { s.bad = 4; }) ==
          "reduce_on_plateau: the state's bad is 4; it cannot be above patience, 3");
    CHECK(contains(refused([](auto& s) { s.cooling = 3; }), "it cannot be above cooldown, 2"));
}
