#include <tests/optim/optimizer.hpp>

#include <optim/sgd.hpp>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Sgd;
using optim::SgdOptions;

namespace {

/// The documented formulas, one number at a time.
void formula(const SgdOptions& options, int n, double& p, double g, std::array<double, 4>& kept) {
    double& v = kept[0];
    g += options.weight_decay * p;
    v = n == 1 ? g : options.momentum * v + (1 - options.dampening) * g;
    if (options.momentum == 0) v = g;
    p -= options.learning_rate * (options.nesterov ? g + options.momentum * v : v);
}

}  // namespace

TEST_CASE("sgd: two hundred steps are those of its formulas") {
    const auto check = [](const SgdOptions& options) { check_steps<Sgd>(options, formula); };
    SUBCASE("plain") { check({.learning_rate = 0.1}); }
    SUBCASE("weight decay") { check({.learning_rate = 0.1, .weight_decay = 0.05}); }
    SUBCASE("momentum") { check({.learning_rate = 0.1, .momentum = 0.9}); }
    SUBCASE("dampening, but not at the first step") {
        check({.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.4});
    }
    SUBCASE("dampening without momentum") { check({.learning_rate = 0.1, .dampening = 0.4}); }
    SUBCASE("Nesterov") { check({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}); }
    SUBCASE("all") { check({.learning_rate = 0.1, .momentum = 0.8, .nesterov = true, .weight_decay = 0.05}); }
}

TEST_CASE("sgd: it finds a minimum, and goes on from a state") {
    check_converges<Sgd<double>>(SgdOptions{.learning_rate = 0.1}, 500, 1e-8);
    check_converges<Sgd<double>>(SgdOptions{.learning_rate = 0.02, .momentum = 0.9}, 500, 1e-8);
    check_resumes<Sgd<double>>(SgdOptions{.learning_rate = 0.1});
    check_resumes<Sgd<double>>(SgdOptions{.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.5});
}

TEST_CASE("sgd: a gradient that is missing, of another shape or not finite changes nothing") {
    for (double momentum : {0.0, 0.9})
        check_refusals("sgd", [momentum](const ParameterList<double>& list) {
            return Sgd<double>(list, {.learning_rate = 0.1, .momentum = momentum});
        });
}

TEST_CASE("sgd: a parameter that is listed twice is updated once") {
    Parameter<double> p("p", vector({1, 2}));
    ParameterList<double> list = parameter_list(p);
    list.add("tied", parameter_list(p));
    Sgd<double> sgd(list, {.learning_rate = 0.5});
    sgd.step(Gradients<double>({p}, {vector({1, 1})}));
    check_close(p.value(), vector({0.5, 1.5}));
}

TEST_CASE("sgd: an update is noted, and a tape from before it is told so") {
    Parameter<double> p("p", vector({1, 2}));
    for (double momentum : {0.0, 0.9}) {
        const auto before = p.storage()->version;
        Sgd<double>(parameter_list(p), {.momentum = momentum}).step(Gradients<double>({p}, {vector({1, 1})}));
        CHECK(p.storage()->version > before);
    }
}

TEST_CASE("sgd: options out of range are refused") {
    Parameter<double> p("p", vector({1}));
    const auto refused = [&](const SgdOptions& options) {
        return text_of<std::invalid_argument>([&] { Sgd<double>(parameter_list(p), options); });
    };
    CHECK(refused({.learning_rate = -0.1}).starts_with("sgd: learning_rate is -0.1; it must be in [0, "));
    CHECK(refused({.learning_rate = not_a_number}).starts_with("sgd: learning_rate is nan"));
    CHECK(refused({.learning_rate = infinity}).starts_with("sgd: learning_rate is inf"));
    CHECK(refused({.momentum = 1.1}) == "sgd: momentum is 1.1; it must be in [0, 1]");
    CHECK(refused({.momentum = -0.1}) != "");
    CHECK(refused({.weight_decay = -1}).starts_with("sgd: weight_decay is -1"));
    CHECK(refused({.nesterov = true}) ==
          "sgd: nesterov is on and momentum is 0; it needs a momentum above 0");
    CHECK(refused({.momentum = 0.9, .dampening = 1.1}) == "sgd: dampening is 1.1; it must be in [0, 1]");
    CHECK(refused({.momentum = 0.9, .dampening = 0.1, .nesterov = true}) ==
          "sgd: nesterov is on and dampening is not 0; it goes without dampening");
    Sgd<double> sgd(parameter_list(p), {.learning_rate = 0.5});
    CHECK(text_of<std::invalid_argument>([&] { sgd.set_learning_rate(-1); }) != "");
    CHECK(sgd.learning_rate() == 0.5);
}
