#include <tests/optim/optimizer.hpp>

#include <optim/rmsprop.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::RmsProp;
using optim::RmsPropOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const RmsPropOptions& options, int, double& p, double g, std::array<double, 4>& kept) {
    auto& [v, m, b, unused] = kept;
    g += options.weight_decay * p;
    v = options.alpha * v + (1 - options.alpha) * g * g;
    m = options.alpha * m + (1 - options.alpha) * g;
    const double variance = options.centered ? v - m * m : v;
    b = options.momentum * b + g / (std::sqrt(variance) + options.epsilon);
    p -= options.learning_rate * b;
}

}  // namespace

TEST_CASE("rmsprop: two hundred steps are those of its formulas") {
    const auto check = [](RmsPropOptions options) {
        options.learning_rate = 0.03;
        check_steps<RmsProp>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("another average") { check({.alpha = 0.7}); }
    SUBCASE("a large epsilon, outside of the root") { check({.epsilon = 0.5}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
    SUBCASE("momentum") { check({.momentum = 0.9}); }
    SUBCASE("centered") { check({.alpha = 0.9, .centered = true}); }
    SUBCASE("all") { check({.alpha = 0.9, .weight_decay = 0.05, .momentum = 0.8, .centered = true}); }
}

TEST_CASE("rmsprop: it finds a minimum, and goes on from a state") {
    check_converges<RmsProp<double>>(RmsPropOptions{.learning_rate = 0.0001}, 20000, 1e-3);
    check_resumes<RmsProp<double>>(RmsPropOptions{.learning_rate = 0.1, .momentum = 0.5, .centered = true});
    check_resumes<RmsProp<double>>(RmsPropOptions{.learning_rate = 0.1});
}

TEST_CASE("rmsprop: a gradient that is missing, of another shape or not finite changes nothing") {
    for (bool centered : {false, true})
        for (double momentum : {0.0, 0.9})
            check_refusals("rmsprop", [=](const ParameterList<double>& list) {
                return RmsProp<double>(list, {.momentum = momentum, .centered = centered});
            });
}

TEST_CASE("rmsprop: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const RmsPropOptions& options) {
        return text_of<std::invalid_argument>([&] { RmsProp<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "rmsprop: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.alpha = 1}) == "rmsprop: alpha is 1; it must be in [0, 1)");
    CHECK(refused({.epsilon = -1}) == "rmsprop: epsilon is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = -1}) == "rmsprop: weight_decay is -1; it must be in [0, inf)");
    CHECK(refused({.momentum = 1.5}) == "rmsprop: momentum is 1.5; it must be in [0, 1]");
}

TEST_CASE("rmsprop: a gradient that never changes has a variance of 0, not of less by rounding") {
    Parameter<double> p("p", vector({1, 1, 1}));
    RmsProp<double> rmsprop(parameter_list(p),
                            {.learning_rate = 1e-12, .alpha = 0.5, .epsilon = 1e-3, .centered = true});
    for (int n = 0; n < 300; ++n) rmsprop.step(Gradients<double>({p}, {vector({0.1, 0.3, -0.7})}));
    check_close(p.value(), vector({1, 1, 1}), 1e-6);
}
