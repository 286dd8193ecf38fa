#include <tests/optim/optimizer.hpp>

#include <optim/optim.hpp>

#include <cmath>
#include <memory>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::Adam;
using optim::OptimizerState;

namespace {

Gradients<double> gradients_of(Parameter<double>& a, Parameter<double>& b) {
    return {{a, b}, {vector({1, 2}), vector({3, 4, 5})}};
}

}  // namespace

TEST_CASE("optimizer: any of them can be chosen at run time") {
    Parameter<double> p("p", vector({1, 2}));
    std::vector<std::unique_ptr<optim::Optimizer<double>>> all;
    all.push_back(std::make_unique<optim::Sgd<double>>(parameter_list(p)));
    all.push_back(std::make_unique<optim::Lion<double>>(parameter_list(p)));
    for (const auto& optimizer : all) {
        optimizer->set_learning_rate(0.25);
        optimizer->step(Gradients<double>({p}, {vector({1, -1})}));
        CHECK(optimizer->steps() == 1);
    }
    check_same_bits(p.value(), vector({0.5, 2.5}));
}

TEST_CASE("optimizer: the state holds what was kept, by path, and does not change with later steps") {
    Parameter<double> a("a", vector({1, 1}));
    Parameter<double> b("b", vector({1, 1, 1}));
    ParameterList<double> list;
    list.add("net", parameter_list(a, b));
    list.add("tied", parameter_list(a));
    Adam<double> adam(list, {.learning_rate = 0.5, .beta1 = 0.75, .beta2 = 0.5});
    adam.step(gradients_of(a, b));
    const OptimizerState<double> state = adam.state();
    adam.step(gradients_of(a, b));
    CHECK(state.optimizer == "adam");
    CHECK(state.steps == 1);
    CHECK(state.learning_rate == 0.5);
    REQUIRE(state.entries.size() == 2);
    CHECK(state.entries[0].path == "net/a");
    CHECK(state.entries[1].path == "net/b");
    REQUIRE(state.entries[1].running.size() == 2);
    check_close(state.entries[1].running[0], vector({0.75, 1, 1.25}));
    check_close(state.entries[1].running[1], vector({4.5, 8, 12.5}));
}

TEST_CASE("optimizer: a state that does not fit is refused, and nothing changes") {
    Parameter<double> a("a", vector({1, 1}));
    Parameter<double> b("b", vector({1, 1, 1}));
    Parameter<double> own_a("a", vector({1, 1}));
    Parameter<double> own_b("b", vector({1, 1, 1}));
    Adam<double> offered(parameter_list(a, b));
    Adam<double> spared(parameter_list(own_a, own_b));
    const auto refused = [&](const OptimizerState<double>& state) {
        return text_of<std::invalid_argument>([&] { offered.restore(state); });
    };
    const auto changed = [&](auto&& change) {
        OptimizerState<double> state = offered.state();
        state.steps = 100;
        for (auto& entry : state.entries)
            for (auto& tensor : entry.running) tensor.fill(7);
        change(state);
        return state;
    };
    CHECK(refused(changed([](auto& s) { s.optimizer = "sgd"; })) == "adam: the state is that of 'sgd'");
    CHECK(refused(changed([](auto& s) { s.entries.pop_back(); })) ==
          "adam: the state is of 1 parameters and the optimizer has 2");
    CHECK(refused(changed([](auto& s) { s.entries[1].path = "c"; })) ==
          "adam: the state has 'c' where the optimizer has 'b'; the parameters must be the same, in the same "
          "order");
    CHECK(refused(changed([](auto& s) { s.entries[1].running.pop_back(); })) ==
          "adam: the state keeps 1 tensors for 'b' and the optimizer 2; their options differ");
    CHECK(refused(changed([](auto& s) {
              s.entries[1].running[1] = vector({1, 2});
          })) == "adam: parameter 'b' is [3] and its tensor in the state [2]; they must have the same shape");
    CHECK(refused(changed([](auto& s) { s.learning_rate = -1; })).starts_with("adam: learning_rate is -1"));
    CHECK(offered.steps() == 0);
    offered.step(gradients_of(a, b));
    spared.step(gradients_of(own_a, own_b));
    check_same_bits(a.value(), own_a.value());
    check_same_bits(b.value(), own_b.value());
}

TEST_CASE("optimizer: one that was moved goes on") {
    Parameter<double> p("p", vector({1}));
    optim::Sgd<double> first(parameter_list(p), {.learning_rate = 0.5, .momentum = 0.5});
    first.step(Gradients<double>({p}, {vector({1})}));
    optim::Sgd<double> second = std::move(first);
    second.step(Gradients<double>({p}, {vector({0})}));
    check_same_bits(p.value(), vector({0.25}));
}

TEST_CASE("optimizer: a state of other options is refused, and nothing changes") {
    Parameter<double> p("p", vector({1, 2}));
    const auto refused = [&](auto& optimizer, const auto& state) {
        const std::string text = text_of<std::invalid_argument>([&] { optimizer.restore(state); });
        CHECK(text == text_of<std::invalid_argument>([&] { optimizer.require_fits(state); }));
        CHECK(optimizer.steps() == 0);
        return text;
    };
    const auto stepped = [&](auto optimizer) {
        optimizer.step(Gradients<double>({p}, {vector({1, 2})}));
        return optimizer.state();
    };
    Adam<double> adam(parameter_list(p), {.beta2 = 0.5});
    const OptimizerState<double> state = stepped(Adam<double>(parameter_list(p)));
    CHECK(refused(adam, state) ==
          "adam: beta2 is 0.999 in the state and 0.5 in the optimizer; the options must be the same");
    OptimizerState<double> changed = adam.state();
    changed.options.erase("epsilon");
    CHECK(refused(adam, changed) == "adam: the state does not say its epsilon");
    changed = adam.state();
    changed.options["rho"] = 1;
    CHECK(refused(adam, changed) == "adam: the state has an option rho, which there is not");
    // Each of an optimizer's options matters.
    const auto check_each = [&](auto make, const std::vector<std::string>& options) {
        auto optimizer = make();
        for (const std::string& option : options) {
            OptimizerState<double> other = stepped(make());
            REQUIRE(other.options.contains(option));
            other.options[option] += 0.25;
            CHECK(contains(refused(optimizer, other), ": " + option + " is "));
        }
        CHECK(optimizer.state().options.size() == options.size());
        optimizer.restore(stepped(make()));
        CHECK(optimizer.steps() == 1);
    };
    const ParameterList<double> list = parameter_list(p);
    check_each([&] { return optim::Adadelta<double>(list); }, {"rho", "epsilon", "weight_decay"});
    check_each([&] { return optim::Adagrad<double>(list); },
               {"learning_rate_decay", "weight_decay", "epsilon"});
    check_each([&] { return Adam<double>(list); }, {"beta1", "beta2", "epsilon", "weight_decay", "amsgrad"});
    check_each([&] { return optim::Adamax<double>(list); }, {"beta1", "beta2", "epsilon", "weight_decay"});
    check_each([&] { return optim::AdamW<double>(list); },
               {"beta1", "beta2", "epsilon", "weight_decay", "amsgrad"});
    check_each([&] { return optim::Lion<double>(list); }, {"beta1", "beta2", "weight_decay"});
    check_each([&] { return optim::NAdam<double>(list); },
               {"beta1", "beta2", "epsilon", "weight_decay", "momentum_decay"});
    check_each([&] { return optim::RmsProp<double>(list); },
               {"alpha", "epsilon", "weight_decay", "momentum", "centered"});
    check_each([&] { return optim::Sgd<double>(list); },
               {"momentum", "dampening", "nesterov", "weight_decay"});
}

TEST_CASE("optimizer: a state of steps without number takes no time") {
    Parameter<double> p("p", vector({1}));
    optim::NAdam<double> nadam(parameter_list(p));
    nadam.step(Gradients<double>({p}, {vector({1})}));
    OptimizerState<double> state = nadam.state();
    state.steps = std::uint64_t{1} << 62;
    nadam.restore(state);
    nadam.step(Gradients<double>({p}, {vector({1})}));
    CHECK(nadam.steps() == state.steps + 1);
    CHECK(std::isfinite(p.value()[0]));
}
