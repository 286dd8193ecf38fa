#include <tests/optim/optimizer.hpp>

#include <optim/adamw.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::AdamW;
using optim::AdamWOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const AdamWOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    auto& [m, v, largest, unused] = kept;
    p -= options.learning_rate * options.weight_decay * p;
    m = options.beta1 * m + (1 - options.beta1) * g;
    v = options.beta2 * v + (1 - options.beta2) * g * g;
    largest = std::max(largest, v);
    const double m_corrected = m / (1 - std::pow(options.beta1, n));
    const double v_corrected = (options.amsgrad ? largest : v) / (1 - std::pow(options.beta2, n));
    p -= options.learning_rate * m_corrected / (std::sqrt(v_corrected) + options.epsilon);
}

}  // namespace

TEST_CASE("adamw: two hundred steps are those of its formulas") {
    const auto check = [](AdamWOptions options) {
        options.learning_rate = 0.1;
        check_steps<AdamW>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("other averages") { check({.beta1 = 0.5, .beta2 = 0.8}); }
    SUBCASE("a large epsilon, outside of the root") { check({.epsilon = 0.5}); }
    SUBCASE("much decay") { check({.weight_decay = 1.5}); }
    SUBCASE("no decay") { check({.weight_decay = 0}); }
    SUBCASE("amsgrad") { check({.beta2 = 0.8, .weight_decay = 0.3, .amsgrad = true}); }
}

TEST_CASE("adamw: it finds a minimum, and goes on from a state") {
    check_converges<AdamW<double>>(AdamWOptions{.learning_rate = 0.03, .weight_decay = 0}, 2000, 1e-6);
    check_resumes<AdamW<double>>(AdamWOptions{.learning_rate = 0.1});
    check_resumes<AdamW<double>>(AdamWOptions{.learning_rate = 0.1, .amsgrad = true});
}

TEST_CASE("adamw: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals("adamw", [](const ParameterList<double>& list) {
        return AdamW<double>(list, {.learning_rate = 0.1});
    });
}

TEST_CASE("adamw: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const AdamWOptions& options) {
        return text_of<std::invalid_argument>([&] { AdamW<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "adamw: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.beta1 = 1}) == "adamw: beta1 is 1; it must be in [0, 1)");
    CHECK(refused({.beta2 = 1}) == "adamw: beta2 is 1; it must be in [0, 1)");
    CHECK(refused({.epsilon = -1}) == "adamw: epsilon is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = -1}) == "adamw: weight_decay is -1; it must be in [0, inf)");
}

TEST_CASE("adamw: the decay is 0.01 by default, and does not pass through the gradient's averages") {
    Parameter<double> p("p", vector({4, -2}));
    AdamW<double> adamw(parameter_list(p), {.learning_rate = 0.5});
    adamw.step(Gradients<double>({p}, {vector({0, 0})}));
    check_close(p.value(), vector({3.98, -1.99}), 1e-14);
}
