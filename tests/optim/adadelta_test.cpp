#include <tests/optim/optimizer.hpp>

#include <optim/adadelta.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adadelta;
using optim::AdadeltaOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const AdadeltaOptions& options, int, double& p, double g, std::array<double, 4>& kept) {
    auto& [v, a, unused, unused_too] = kept;
    g += options.weight_decay * p;
    v = options.rho * v + (1 - options.rho) * g * g;
    const double s = g * std::sqrt(a + options.epsilon) / std::sqrt(v + options.epsilon);
    a = options.rho * a + (1 - options.rho) * s * s;
    p -= options.learning_rate * s;
}

}  // namespace

TEST_CASE("adadelta: two hundred steps are those of its formulas") {
    const auto check = [](AdadeltaOptions options) {
        options.learning_rate = 0.8;
        check_steps<Adadelta>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("another average") { check({.rho = 0.6}); }
    SUBCASE("a large epsilon") { check({.epsilon = 0.1}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
}

TEST_CASE("adadelta: it finds a minimum, and goes on from a state") {
    check_converges<Adadelta<double>>(AdadeltaOptions{.learning_rate = 0.2, .epsilon = 1e-4}, 5000, 1e-6);
    check_resumes<Adadelta<double>>(AdadeltaOptions{.learning_rate = 0.5});
}

TEST_CASE("adadelta: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals("adadelta", [](const ParameterList<double>& list) {
        return Adadelta<double>(list, {.learning_rate = 0.1});
    });
}

TEST_CASE("adadelta: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const AdadeltaOptions& options) {
        return text_of<std::invalid_argument>([&] { Adadelta<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "adadelta: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.rho = 1.5}) == "adadelta: rho is 1.5; it must be in [0, 1]");
    CHECK(refused({.epsilon = -1}) == "adadelta: epsilon is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = infinity}) == "adadelta: weight_decay is inf; it must be in [0, inf)");
}
