#include <tests/optim/optimizer.hpp>

#include <optim/adagrad.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adagrad;
using optim::AdagradOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const AdagradOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    double& sum = kept[0];
    if (n == 1) sum = options.initial_accumulator;
    g += options.weight_decay * p;
    sum += g * g;
    const double rate = options.learning_rate / (1 + (n - 1) * options.learning_rate_decay);
    p -= rate * g / (std::sqrt(sum) + options.epsilon);
}

}  // namespace

TEST_CASE("adagrad: two hundred steps are those of its formulas") {
    const auto check = [](AdagradOptions options) {
        options.learning_rate = 0.3;
        check_steps<Adagrad>(options, formula);
    };
    SUBCASE("as it comes") { check({}); }
    SUBCASE("a rate that decays") { check({.learning_rate_decay = 0.05}); }
    SUBCASE("weight decay") { check({.weight_decay = 0.1}); }
    SUBCASE("an initial accumulator") { check({.initial_accumulator = 2}); }
    SUBCASE("a large epsilon, outside of the root") { check({.epsilon = 0.5}); }
}

TEST_CASE("adagrad: it finds a minimum, and goes on from a state") {
    check_converges<Adagrad<double>>(AdagradOptions{.learning_rate = 1}, 3000, 1e-6);
    check_resumes<Adagrad<double>>(AdagradOptions{.learning_rate_decay = 0.1, .initial_accumulator = 0.5});
}

TEST_CASE("adagrad: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals("adagrad", [](const ParameterList<double>& list) {
        return Adagrad<double>(list, {.learning_rate = 0.1});
    });
}

TEST_CASE("adagrad: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const AdagradOptions& options) {
        return text_of<std::invalid_argument>([&] { Adagrad<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}) == "adagrad: learning_rate is -0.1; it must be in [0, inf)");
    CHECK(refused({.learning_rate_decay = -1}) ==
          "adagrad: learning_rate_decay is -1; it must be in [0, inf)");
    CHECK(refused({.weight_decay = -1}) == "adagrad: weight_decay is -1; it must be in [0, inf)");
    CHECK(refused({.initial_accumulator = -1}) ==
          "adagrad: initial_accumulator is -1; it must be in [0, inf)");
    CHECK(refused({.epsilon = not_a_number}) == "adagrad: epsilon is nan; it must be in [0, inf)");
}
