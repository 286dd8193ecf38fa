#include <tests/optim/optimizer.hpp>

#include <optim/adam.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adam;
using optim::AdamOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const AdamOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    auto& [m, v, largest, unused] = kept;
    g += options.weight_decay * p;
    m = options.beta1 * m + (1 - options.beta1) * g;
    v = options.beta2 * v + (1 - options.beta2) * g * g;
    largest = std::max(largest, v);
    const double m_corrected = m / (1 - std::pow(options.beta1, n));
    const double v_corrected = (options.amsgrad ? largest : v) / (1 - std::pow(options.beta2, n));
    p -= options.learning_rate * m_corrected / (std::sqrt(v_corrected) + options.epsilon);
}

}  // namespace

TEST_CASE("adam: two hundred steps are those of its formulas") {
    const auto check = [](const AdamOptions& options) { check_steps<Adam>(options, formula); };
    SUBCASE("as it comes") { check({.learning_rate = 0.1}); }
    SUBCASE("other averages") { check({.learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.8}); }
    SUBCASE("no averages") { check({.learning_rate = 0.1, .beta1 = 0, .beta2 = 0}); }
    SUBCASE("a large epsilon, outside of the root") { check({.learning_rate = 0.1, .epsilon = 0.5}); }
    SUBCASE("weight decay") { check({.learning_rate = 0.1, .weight_decay = 0.1}); }
    SUBCASE("amsgrad") { check({.learning_rate = 0.1, .beta2 = 0.8, .amsgrad = true}); }
    SUBCASE("amsgrad with weight decay") {
        check({.learning_rate = 0.1, .beta2 = 0.9, .weight_decay = 0.1, .amsgrad = true});
    }
}

TEST_CASE("adam: it finds a minimum, and goes on from a state") {
    for (bool amsgrad : {false, true}) {
        check_converges<Adam<double>>(AdamOptions{.learning_rate = 0.03, .amsgrad = amsgrad}, 2000, 1e-6);
        check_resumes<Adam<double>>(AdamOptions{.learning_rate = 0.1, .amsgrad = amsgrad});
    }
}

TEST_CASE("adam: the first step is the learning rate, whatever the gradient's size") {
    Parameter<double> p("p", vector({1, 1, 1}));
    Adam<double> adam(parameter_list(p), {.learning_rate = 0.1});
    adam.step(Gradients<double>({p}, {vector({1e-3, -5, 1e6})}));
    check_close(p.value(), vector({0.9, 1.1, 0.9}), 1e-5);
}

TEST_CASE("adam: a gradient of 0 moves nothing") {
    Parameter<double> p("p", vector({1, 2}));
    Adam<double> adam(parameter_list(p));
    for (int i = 0; i < 3; ++i) adam.step(Gradients<double>({p}, {vector({0, 0})}));
    check_same_bits(p.value(), vector({1, 2}));
}

TEST_CASE("adam: a gradient that is missing, of another shape or not finite changes nothing") {
    check_refusals(
        "adam", [](const ParameterList<double>& list) { return Adam<double>(list, {.learning_rate = 0.1}); });
}

TEST_CASE("adam: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const AdamOptions& options) {
        return text_of<std::invalid_argument>([&] { Adam<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}).starts_with("adam: learning_rate is -0.1; it must be in [0, "));
    CHECK(refused({.beta1 = 1}).starts_with("adam: beta1 is 1"));
    CHECK(refused({.beta2 = 1}).starts_with("adam: beta2 is 1"));
    CHECK(refused({.beta2 = -0.1}) != "");
    CHECK(refused({.epsilon = -1}) != "");
    CHECK(refused({.weight_decay = not_a_number}) != "");
    Adam<double> adam(parameter_list(p), {.learning_rate = 0.5});
    CHECK(text_of<std::invalid_argument>([&] { adam.set_learning_rate(infinity); }) != "");
    CHECK(adam.learning_rate() == 0.5);
}
