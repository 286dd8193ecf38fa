#include <tests/optim/optimizer.hpp>

#include <optim/sgd.hpp>
#include <optim/weight_average.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using optim::AveragedWeights;
using optim::AverageStart;
using optim::WeightAverage;

namespace {

/// Returns what each of the weights so far counts for in the average after them, written out as a sum.
double weight_of(std::size_t i, std::size_t count, double decay, AverageStart start) {
    const double kept = std::pow(decay, count - 1 - i);
    switch (start) {
        case AverageStart::first_weights:
            return i == 0 ? kept : (1 - decay) * kept;
        case AverageStart::bias_correction:
            return (1 - decay) * kept / (1 - std::pow(decay, count));
        case AverageStart::warm_up:
            break;
    }
    double weight = 1;
    for (std::size_t n = count; n > i; --n) {
        const double here =
            n == 1 ? 0 : std::min(decay, static_cast<double>(n) / (static_cast<double>(n) + 9));
        weight *= n == i + 1 ? 1 - here : here;
    }
    return weight;
}

template <class T>
void check_average(AverageStart start, double decay, double tolerance) {
    Trained<T> trained("average");
    Random random("weights");
    WeightAverage<T> average(trained.list(), {.decay = decay, .start = start});
    std::vector<Tensors> history;
    for (std::size_t n = 0; n < 60; ++n) {
        Tensors weights;
        for (const auto& entry : trained.list()) {
            weights.push_back(as_double(rounded<T>(random.tensor(entry.parameter->shape()))));
            entry.parameter->assign(rounded<T>(weights.back()));
        }
        history.push_back(weights);
        average.update();
        for (std::size_t k = 0; k < weights.size(); ++k) {
            Tensor<double>& expected = trained.expected[k];
            expected.fill(0);
            for (std::size_t i = 0; i <= n; ++i) {
                const double weight = weight_of(i, n + 1, decay, start);
                expected =
                    each(expected, history[i][k], [=](double sum, double p) { return sum + weight * p; });
            }
        }
        for (std::size_t k = 0; k < weights.size(); ++k)
            check_close(as_double(average[*trained.list()[k].parameter]), trained.expected[k], tolerance);
        {
            const AveragedWeights<T> averaged(average);
            trained.check(tolerance);
        }
        trained.expected = weights;
        trained.check(0);
    }
}

}  // namespace

TEST_CASE("weight_average: it is the weighted sum of all weights so far") {
    for (AverageStart start :
         {AverageStart::first_weights, AverageStart::bias_correction, AverageStart::warm_up}) {
        check_average<double>(start, 0.7, 1e-12);
        check_average<double>(start, 0, 1e-12);
        check_average<float>(start, 0.95, 1e-4);
    }
}

TEST_CASE("weight_average: the weights come back to the bit, whatever was done to the averages") {
    Parameter<double> p("p", vector({0.1, 0.2, 0.3}));
    ParameterList<double> list = parameter_list(p);
    list.add("tied", parameter_list(p));
    WeightAverage<double> average(list, {.decay = 0.5});
    average.update();
    p.assign(vector({0.3, 0.7, 0.9}));
    average.update();
    const Tensor<double> before = average[p];
    try {
        const AveragedWeights<double> averaged(average);
        check_close(p.value(), vector({0.2, 0.45, 0.6}), 1e-15);
        p.assign(vector({5, 5, 5}));
        throw 0;
    } catch (int) {
    }
    check_same_bits(p.value(), vector({0.3, 0.7, 0.9}));
    check_same_bits(average[p], before);
}

TEST_CASE("weight_average: tapes from before and from within are told that the weights changed") {
    Parameter<double> p("p", vector({1}));
    WeightAverage<double> average(parameter_list(p));
    average.update();
    const auto before = p.storage()->version;
    auto within = before;
    {
        const AveragedWeights<double> averaged(average);
        within = p.storage()->version;
        CHECK(within > before);
    }
    CHECK(p.storage()->version > within);
}

TEST_CASE("weight_average: misuse is refused, and nothing changes") {
    Parameter<double> p("p", vector({1, 2}));
    Parameter<double> other("other", vector({1}));
    WeightAverage<double> average(parameter_list(p), {.decay = 0.5});
    CHECK(text_of<std::logic_error>([&] { AveragedWeights<double> averaged(average); }) ==
          "averaged_weights: there is no average yet; update after a step first");
    CHECK(text_of<std::logic_error>([&] { average[p]; }) ==
          "weight_average: there is no average yet; update after a step first");
    average.update();
    CHECK(text_of<std::invalid_argument>([&] { average[other]; }) ==
          "weight_average: parameter 'other' is not among those that are averaged");
    p.assign(vector({3, 4}));
    {
        const AveragedWeights<double> averaged(average);
        CHECK(text_of<std::logic_error>([&] { AveragedWeights<double> again(average); }) ==
              "averaged_weights: the parameters hold their averages already");
        CHECK(
            text_of<std::logic_error>([&] { average.update(); }) ==
            "weight_average: the parameters hold their averages; update when the AveragedWeights has ended");
        check_same_bits(p.value(), vector({1, 2}));
    }
    check_same_bits(p.value(), vector({3, 4}));
    p.assign(vector({3, infinity}));
    CHECK(text_of<std::invalid_argument>([&] { average.update(); }) ==
          "weight_average: parameter 'p' [2] has inf at element 1; nothing was averaged");
    check_same_bits(average[p], vector({1, 2}));
    p.assign(vector({3, 4}));
    average.update();
    check_same_bits(average[p], vector({2, 3}));
    CHECK(text_of<std::invalid_argument>([&] { WeightAverage<double>(parameter_list(p), {.decay = 1}); }) ==
          "weight_average: decay is 1; it must be in [0, 1)");
}

TEST_CASE("weight_average: it comes nearer to the minimum than weights that still jump about it") {
    Random random("noise");
    Parameter<double> p("p", filled({10}, 1));
    optim::Sgd<double> sgd(parameter_list(p), {.learning_rate = 0.2});
    WeightAverage<double> average(parameter_list(p), {.decay = 0.99, .start = AverageStart::warm_up});
    for (int n = 0; n < 1000; ++n) {
        const Tensor<double> noise = random.tensor({10});
        sgd.step(Gradients<double>({p}, {each(p.value(), noise, [](double x, double e) { return x + e; })}));
        average.update();
    }
    CHECK(inner({average[p]}, {average[p]}) < 0.2 * inner({p.value()}, {p.value()}));
}

TEST_CASE("weight_average: one that is restored goes on as the one that was not left") {
    for (const AverageStart start :
         {AverageStart::first_weights, AverageStart::bias_correction, AverageStart::warm_up}) {
        Parameter<double> p("p", vector({1, 2}));
        WeightAverage<double> average(parameter_list(p), {.decay = 0.75, .start = start});
        for (int n = 0; n < 3; ++n) {
            p.update()[0] += n;
            average.update();
        }
        WeightAverage<double> other(parameter_list(p), {.decay = 0.75, .start = start});
        other.restore(average.state());
        for (int n = 0; n < 3; ++n) {
            check_same_bits(other[p], average[p]);
            p.update()[1] -= n;
            average.update();
            other.update();
        }
        check_same_bits(other[p], average[p]);
    }
}

TEST_CASE("weight_average: a state that does not fit is refused, and nothing changes") {
    Parameter<double> p("p", vector({1, 2}));
    Parameter<double> q("q", vector({3}));
    WeightAverage<double> average(parameter_list(p, q), {.decay = 0.75});
    average.update();
    const auto refused = [&](const auto& change) {
        optim::WeightAverageState<double> state = average.state();
        for (auto& entry : state.entries) entry.average.fill(7);
        change(state);
        const std::string text = text_of<std::invalid_argument>([&] { average.restore(state); });
        check_same_bits(average[p], vector({1, 2}));
        check_same_bits(average[q], vector({3}));
        return text;
    };
    CHECK(refused([](auto& s) { s.options.decay = 0.5; }) ==
          "weight_average: decay is 0.5 in the state and 0.75 here; the options must be the same");
    CHECK(contains(refused([](auto& s) { s.options.start = AverageStart::warm_up; }), "another weight"));
    CHECK(refused([](auto& s) { s.entries.pop_back(); }) ==
          "weight_average: the state is of 1 parameters, and 2 are averaged");
    CHECK(contains(refused([](auto& s) { s.entries[1].path = "r"; }), "has 'r' where 'q' is averaged"));
    CHECK(contains(refused([](auto& s) { s.entries[1].average = vector({1, 2}); }), "'q' is [1] and its "));
    CHECK(refused([](auto& s) { s.entries[1].average = vector({std::nan("")}); }) ==
          "weight_average: the average of parameter 'q' [1] has nan at element 0");
    const auto state = average.state();
    const AveragedWeights<double> averaged(average);
    CHECK(contains(text_of<std::logic_error>([&] { average.state(); }), "take the state when"));
    CHECK(contains(text_of<std::logic_error>([&] { average.restore(state); }), "restore when"));
}
