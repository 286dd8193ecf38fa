#include <tests/optim/optimizer.hpp>

#include <autograd/ops/reduce.hpp>
#include <nn/cells/gates.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/wrappers/stack.hpp>
#include <optim/optim.hpp>

#include <functional>
#include <memory>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

template <class T>
using Made = std::vector<std::unique_ptr<optim::Optimizer<T>>>;

/// One of each, and of each variant that keeps something else.
template <class T>
Made<T> all_optimizers(const ParameterList<T>& list, double epsilon = 1e-8, double decay = 0) {
    Made<T> all;
    all.push_back(std::make_unique<optim::Sgd<T>>(list));
    all.push_back(std::make_unique<optim::Sgd<T>>(list, optim::SgdOptions{.momentum = 0.9}));
    all.push_back(std::make_unique<optim::Lion<T>>(list));
    all.push_back(std::make_unique<optim::Adamax<T>>(list, optim::AdamaxOptions{.epsilon = epsilon}));
    for (bool amsgrad : {false, true}) {
        all.push_back(std::make_unique<optim::Adam<T>>(
            list, optim::AdamOptions{.epsilon = epsilon, .weight_decay = decay, .amsgrad = amsgrad}));
        all.push_back(std::make_unique<optim::AdamW<T>>(
            list, optim::AdamWOptions{.epsilon = epsilon, .amsgrad = amsgrad}));
    }
    all.push_back(std::make_unique<optim::NAdam<T>>(
        list, optim::NAdamOptions{.epsilon = epsilon, .weight_decay = decay}));
    for (double momentum : {0.0, 0.9})
        for (bool centered : {false, true})
            all.push_back(std::make_unique<optim::RmsProp<T>>(
                list,
                optim::RmsPropOptions{
                    .epsilon = epsilon, .weight_decay = decay, .momentum = momentum, .centered = centered}));
    all.push_back(std::make_unique<optim::Adagrad<T>>(
        list, optim::AdagradOptions{.weight_decay = decay, .epsilon = epsilon}));
    all.push_back(std::make_unique<optim::Adadelta<T>>(
        list, optim::AdadeltaOptions{.epsilon = epsilon, .weight_decay = decay}));
    return all;
}
constexpr std::size_t squaring_from = 4;  // the ones before it square nothing

}  // namespace

TEST_CASE("optimizers: a parameter that was replaced by one of another shape is refused") {
    for (std::size_t k = 0; k < all_optimizers<double>({}).size(); ++k) {
        CAPTURE(k);
        Parameter<double> p("p", vector({1, 2}));
        const auto optimizer = std::move(all_optimizers(parameter_list(p))[k]);
        optimizer->step(Gradients<double>({p}, {vector({1, 1})}));
        const auto state = optimizer->state();
        const Tensor<double> large = filled({100}, 3);
        p = Parameter<double>("p", large);
        CHECK(contains(text_of<std::invalid_argument>(
                           [&] { optimizer->step(Gradients<double>({p}, {filled({100}, 1)})); }),
                       ": parameter 'p' was replaced: it was [2] and is [100] now"));
        CHECK(contains(text_of<std::invalid_argument>([&] { optimizer->restore(state); }), "was replaced"));
        check_same_bits(p.value(), large);
        CHECK(optimizer->steps() == 1);
        p = Parameter<double>("p", vector({5, 6}));
        optimizer->step(Gradients<double>({p}, {vector({1, 1})}));
        CHECK(difference_in_bits(p.value(), vector({5, 6})) != "");
    }
}

TEST_CASE("optimizers: a parameter that is gone, or two that became one, are refused") {
    Parameter<double> a("a", vector({1}));
    Parameter<double> b("b", vector({2}));
    optim::Adam<double> adam(parameter_list(a, b));
    a = std::move(b);
    CHECK(text_of<std::logic_error>([&] {
              adam.step(Gradients<double>({a}, {vector({1})}));
          }).starts_with("adam: parameter 'b' was moved into another that is listed as well"));
    check_same_bits(a.value(), vector({2}));
    auto c = std::make_unique<Parameter<double>>("c", vector({1}));
    optim::Adam<double> of_gone(parameter_list(*c));
    optim::WeightAverage<double> average(parameter_list(*c));
    average.update();
    const Gradients<double> gradients({*c}, {vector({1})});
    {
        const optim::AveragedWeights<double> averaged(average);
        c.reset();
    }
    CHECK(text_of<std::logic_error>([&] {
              of_gone.step(gradients);
          }).starts_with("adam: parameter 'c' was destroyed"));
    CHECK(text_of<std::logic_error>([&] {
              average.update();
          }).starts_with("weight_average: parameter 'c' was destroyed"));
}

TEST_CASE("weight_average: a parameter that was replaced by one of another shape is refused") {
    Parameter<double> p("p", vector({1, 2}));
    optim::WeightAverage<double> average(parameter_list(p));
    average.update();
    {
        const optim::AveragedWeights<double> averaged(average);
        p = Parameter<double>("p", filled({100}, 3));
    }
    check_same_bits(p.value(), filled({100}, 3));
    const std::string replaced = "parameter 'p' was replaced";
    CHECK(contains(text_of<std::invalid_argument>([&] { average.update(); }), replaced));
    CHECK(contains(text_of<std::invalid_argument>([&] { average[p]; }), replaced));
    CHECK(contains(text_of<std::invalid_argument>([&] { optim::AveragedWeights<double> a(average); }),
                   replaced));
}

TEST_CASE("gate_block: a parameter that was replaced by one of another shape is refused") {
    const std::vector<std::string_view> names{"one", "two"};
    Parameter<double> p("p", filled({3, 8}, 1));
    nn::GateBlock<double> gate = nn::gate_block(p, names, "two");
    p = Parameter<double>("p", vector({1, 2}));
    CHECK(text_of<std::logic_error>([&] { gate.assign(5); }) ==
          "gate_block: parameter 'p' was [3, 8] and is [2] now; call `gate_block` again");
    CHECK(text_of<std::logic_error>([&] { gate.value(); }) != "");
}

TEST_CASE("optimizers: one made before its cell was moved into a stack trains the stack") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(3, 4, generator);
    const ParameterList<double> list = cell.parameters();
    optim::Adam<double> adam(list);
    nn::Stack<double> stack(std::move(cell));
    const Tensor<double> before = list[0].parameter->value();
    for (const ParameterList<double>& asked : {list, stack.parameters()}) {
        Tape<double> tape;
        const Var<double> loss = sum(nn::unroll(stack, Tensor<double>(filled({2, 1, 3}, 0.5))).outputs);
        adam.step(gradient(loss, asked));
    }
    CHECK(difference_in_bits(list[0].parameter->value(), before) != "");
    check_same_bits(list[0].parameter->value(), stack.parameters()[0].parameter->value());
}

TEST_CASE("optimizers: a gradient whose square overflows is refused, and nothing changes") {
    const auto check = [](double gradient, double value, double decay) {
        for (std::size_t k = squaring_from; k < all_optimizers<float>({}).size(); ++k) {
            CAPTURE(k);
            Parameter<float> p("p", rounded<float>(filled({37}, value)));
            const auto optimizer = std::move(all_optimizers(parameter_list(p), 1e-8, decay)[k]);
            if (decay != 0 && dynamic_cast<optim::AdamW<float>*>(optimizer.get()) != nullptr) continue;
            Tensor<float> g = rounded<float>(filled({37}, 0.5));
            g.data()[35] = static_cast<float>(gradient);
            const Tensor<float> before = p.value();
            const std::string text =
                text_of<std::invalid_argument>([&] { optimizer->step(Gradients<float>({p}, {g})); });
            CHECK(contains(text, "the gradient of parameter 'p' [37]"));
            CHECK(contains(text, "overflows float; clip the gradients before the step; nothing was updated"));
            CHECK(optimizer->steps() == 0);
            check_same_bits(as_double(p.value()), as_double(before));
            g.data()[35] = 1e18F;
            optimizer->step(Gradients<float>({p}, {g}));
            for (float element : p.value()) CHECK((std::isfinite(element) && element != before[0]));
        }
    };
    check(1e20, 1, 0);
    check(-3e38, 1, 0);
}

TEST_CASE("optimizers: a weight whose decay makes the square overflow is refused") {
    Parameter<float> p("p", rounded<float>(vector({1, 1e25})));
    optim::Adam<float> adam(parameter_list(p), {.weight_decay = 0.01});
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       adam.step(Gradients<float>({p}, {rounded<float>(vector({1, 1}))}));
                   }),
                   "[2] with weight decay is 1e+23 at element 1, and its square overflows float"));
}

TEST_CASE("adagrad: a sum of squares that overflows is refused, and nothing changes") {
    Parameter<float> p("p", rounded<float>(vector({1, 2})));
    optim::Adagrad<float> adagrad(parameter_list(p), {.learning_rate = 0.1});
    const Gradients<float> g({p}, {rounded<float>(vector({1e19, 1}))});
    Tensor<float> before;
    std::string text;
    for (int n = 0; n < 10 && text.empty(); ++n) {
        before = p.value();
        text = text_of<std::invalid_argument>([&] { adagrad.step(g); });
    }
    CHECK(contains(text, "is 1e+19 at element 0, and the sum of its squares overflows float"));
    CHECK(adagrad.steps() == 2);
    check_same_bits(as_double(p.value()), as_double(before));
}

TEST_CASE("optimizers: without an epsilon a gradient of 0 moves nothing, and a tiny one makes no NaN") {
    const auto check = [](auto zero, double tiny) {
        using T = decltype(zero);
        for (double epsilon : {0.0, 1e-320})
            for (double gradient : {0.0, tiny, -tiny})
                for (std::size_t k = 0; k < all_optimizers<T>({}).size(); ++k) {
                    CAPTURE(k);
                    CAPTURE(gradient);
                    Parameter<T> p("p", rounded<T>(vector({1, -2, 0})));
                    const auto optimizer = std::move(all_optimizers(parameter_list(p), epsilon)[k]);
                    for (int n = 0; n < 3; ++n)
                        optimizer->step(Gradients<T>({p}, {rounded<T>(vector({gradient, 0, gradient}))}));
                    for (T element : p.value()) CHECK(std::isfinite(element));
                    CHECK(p.value()[1] == doctest::Approx(-2).epsilon(1e-3));
                }
    };
    check(0.0F, 1e-30);
    check(0.0, 1e-200);
}

TEST_CASE("optimizers: a state with a NaN or an infinity is refused") {
    Parameter<double> p("p", vector({1, 2}));
    optim::Adam<double> adam(parameter_list(p));
    auto state = adam.state();
    state.entries[0].running[1][1] = infinity;
    CHECK(text_of<std::invalid_argument>([&] { adam.restore(state); }) ==
          "adam: the state of parameter 'p' [2] has inf at element 1");
}
