#include <tests/optim/optimizer.hpp>

#include <optim/lion.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Lion;
using optim::LionOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const LionOptions& options, int, double& p, double g, std::array<double, 4>& kept) {
    double& m = kept[0];
    const double c = options.beta1 * m + (1 - options.beta1) * g;
    p *= 1 - options.learning_rate * options.weight_decay;
    if (c != 0) p -= std::copysign(options.learning_rate, c);
    m = options.beta2 * m + (1 - options.beta2) * g;
}

}  // namespace

TEST_CASE("lion: two hundred steps are those of its formulas") {
    const auto check = [](LionOptions options) {
        options.learning_rate = 0.01;
        check_steps<Lion>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("other averages") { check({.beta1 = 0.5, .beta2 = 0.7}); }
    SUBCASE("no averages") { check({.beta1 = 0, .beta2 = 0}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
}

TEST_CASE("lion: it finds a minimum, and goes on from a state") {
    check_converges<Lion<double>>(LionOptions{.learning_rate = 0.001}, 5000, 1e-2);
    check_resumes<Lion<double>>(LionOptions{.learning_rate = 0.1});
}

TEST_CASE("lion: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals(
        "lion", [](const ParameterList<double>& list) { return Lion<double>(list, {.learning_rate = 0.1}); });
}

TEST_CASE("lion: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const LionOptions& options) {
        return text_of<std::invalid_argument>([&] { Lion<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "lion: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.beta1 = 1}) == "lion: beta1 is 1; it must be in [0, 1)");
    CHECK(refused({.beta2 = 1}) == "lion: beta2 is 1; it must be in [0, 1)");
    CHECK(refused({.weight_decay = -1}) == "lion: weight_decay is -1; it must be in [0, inf)");
}

TEST_CASE("lion: a gradient of 0 moves nothing, and any other by the rate") {
    Parameter<double> p("p", vector({1, 1, 1, 1}));
    Lion<double> lion(parameter_list(p), {.learning_rate = 0.25});
    lion.step(Gradients<double>({p}, {vector({0, 1e-30, -1e30, 5})}));
    check_same_bits(p.value(), vector({1, 0.75, 1.25, 0.75}));
}
