#include <tests/optim/optimizer.hpp>

#include <optim/nadam.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::NAdam;
using optim::NAdamOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const NAdamOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    auto& [m, v, unused, unused_too] = kept;
    const auto mu = [&](int k) {
        return options.beta1 * (1 - 0.5 * std::pow(0.96, k * options.momentum_decay));
    };
    double product = 1;
    for (int k = 1; k <= n; ++k) product *= mu(k);
    g += options.weight_decay * p;
    m = options.beta1 * m + (1 - options.beta1) * g;
    v = options.beta2 * v + (1 - options.beta2) * g * g;
    const double m_corrected = mu(n + 1) * m / (1 - product * mu(n + 1)) + (1 - mu(n)) * g / (1 - product);
    const double v_corrected = v / (1 - std::pow(options.beta2, n));
    p -= options.learning_rate * m_corrected / (std::sqrt(v_corrected) + options.epsilon);
}

}  // namespace

TEST_CASE("nadam: two hundred steps are those of its formulas") {
    const auto check = [](NAdamOptions options) {
        options.learning_rate = 0.05;
        check_steps<NAdam>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("other averages") { check({.beta1 = 0.5, .beta2 = 0.8}); }
    SUBCASE("a momentum that changes fast") { check({.momentum_decay = 1}); }
    SUBCASE("a large epsilon, outside of the root") { check({.epsilon = 0.5}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
}

TEST_CASE("nadam: it finds a minimum, and goes on from a state") {
    check_converges<NAdam<double>>(NAdamOptions{.learning_rate = 0.03}, 3000, 1e-6);
    check_resumes<NAdam<double>>(NAdamOptions{.learning_rate = 0.1, .momentum_decay = 0.5});
}

TEST_CASE("nadam: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals("nadam", [](const ParameterList<double>& list) {
        return NAdam<double>(list, {.learning_rate = 0.1});
    });
}

TEST_CASE("nadam: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const NAdamOptions& options) {
        return text_of<std::invalid_argument>([&] { NAdam<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "nadam: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.beta1 = 1}) == "nadam: beta1 is 1; it must be in [0, 1)");
    CHECK(refused({.beta2 = 1}) == "nadam: beta2 is 1; it must be in [0, 1)");
    CHECK(refused({.epsilon = -1}) == "nadam: epsilon is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = -1}) == "nadam: weight_decay is -1; it must be in [0, inf)");
    CHECK(refused({.momentum_decay = -1}) == "nadam: momentum_decay is -1; it must be in [0, inf)");
}
