#include <tests/optim/optimizer.hpp>

#include <optim/adamax.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adamax;
using optim::AdamaxOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const AdamaxOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    auto& [m, u, unused, unused_too] = kept;
    g += options.weight_decay * p;
    m = options.beta1 * m + (1 - options.beta1) * g;
    u = std::max(options.beta2 * u, std::abs(g) + options.epsilon);
    p -= options.learning_rate / (1 - std::pow(options.beta1, n)) * m / u;
}

}  // namespace

TEST_CASE("adamax: two hundred steps are those of its formulas") {
    const auto check = [](AdamaxOptions options) {
        options.learning_rate = 0.1;
        check_steps<Adamax>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("other averages") { check({.beta1 = 0.5, .beta2 = 0.8}); }
    SUBCASE("a large epsilon, inside of the maximum") { check({.beta2 = 0.8, .epsilon = 0.3}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
}

TEST_CASE("adamax: it finds a minimum, and goes on from a state") {
    check_converges<Adamax<double>>(AdamaxOptions{.learning_rate = 0.03}, 3000, 1e-6);
    check_resumes<Adamax<double>>(AdamaxOptions{.learning_rate = 0.1});
}

TEST_CASE("adamax: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals("adamax", [](const ParameterList<double>& list) {
        return Adamax<double>(list, {.learning_rate = 0.1});
    });
}

TEST_CASE("adamax: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const AdamaxOptions& options) {
        return text_of<std::invalid_argument>([&] { Adamax<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "adamax: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.beta1 = 1}) == "adamax: beta1 is 1; it must be in [0, 1)");
    CHECK(refused({.beta2 = -0.1}) == "adamax: beta2 is -0.1; it must be in [0, 1)");
    CHECK(refused({.epsilon = -1}) == "adamax: epsilon is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = -1}) == "adamax: weight_decay is -1; it must be in [0, inf)");
}
