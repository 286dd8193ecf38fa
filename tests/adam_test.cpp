#include "optimizer.hpp"

#include <optim/adam.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adam;
using optim::AdamOptions;

namespace {

/// The documented formulas, one number at a time.
struct Reference {
    AdamOptions options;
    int n = 0;
    std::vector<std::vector<std::pair<double, double>>> moments;

    void step(Tensors& values, const Tensors& gradients) {
        ++n;
        moments.resize(values.size());
        for (std::size_t k = 0; k < values.size(); ++k) {
            moments[k].resize(values[k].size());
            for (std::size_t i = 0; i < values[k].size(); ++i) {
                double& p = values[k].data()[i];
                auto& [m, v] = moments[k][i];
                const double g = gradients[k].data()[i] + options.weight_decay * p;
                m = options.beta1 * m + (1 - options.beta1) * g;
                v = options.beta2 * v + (1 - options.beta2) * g * g;
                const double m_corrected = m / (1 - std::pow(options.beta1, n));
                const double v_corrected = v / (1 - std::pow(options.beta2, n));
                p -= options.learning_rate * m_corrected / (std::sqrt(v_corrected) + options.epsilon);
            }
        }
    }
};

template <class T>
void check_steps(const AdamOptions& options, double tolerance) {
    Trained<T> trained("adam");
    Adam<T> adam(trained.list(), options);
    Reference reference{options, 0, {}};
    for (int n = 0; n < 60; ++n) {
        if (n == 30) {
            reference.options.learning_rate *= 0.3;
            adam.set_learning_rate(reference.options.learning_rate);
        }
        const Tensors gradients = trained.random_gradients();
        adam.step(trained.gradients(gradients));
        reference.step(trained.expected, gradients);
        trained.check(tolerance);
    }
}

}  // namespace

TEST_CASE("adam: sixty steps are those of its formulas") {
    const auto check = [](const AdamOptions& options) {
        check_steps<double>(options, 1e-12);
        check_steps<float>(options, 1e-4);
    };
    SUBCASE("as it comes") { check({.learning_rate = 0.1}); }
    SUBCASE("other averages") { check({.learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.8}); }
    SUBCASE("no averages") { check({.learning_rate = 0.1, .beta1 = 0, .beta2 = 0}); }
    SUBCASE("a large epsilon, outside of the root") { check({.learning_rate = 0.1, .epsilon = 0.5}); }
    SUBCASE("weight decay") { check({.learning_rate = 0.1, .weight_decay = 0.1}); }
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
