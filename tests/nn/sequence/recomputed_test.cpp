#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/doctest.hpp>
#include <nn/nn.hpp>
#include <nn/sequence/memory_plan.hpp>
#include <nn/sequence/recomputed.hpp>

#include <array>
#include <cmath>
#include <functional>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Values and gradients of a loss, to be compared to the bit, and a further derivative, whose terms are
/// summed in another order.
struct Derived {
    Tensors values;
    Tensors second;
    TapeStatistics statistics;
};

template <class Model>
Derived derived(Model& model, const Tensor<double>& sequence, const nn::UnrollOptions& options,
                bool second_order, bool trains = false) {
    Random random("a budget");
    nn::Generator masks(5);
    std::optional<nn::Training> training;
    if (trains) training.emplace(masks);
    Tape<double> tape;
    const Var<double> x = input(sequence);
    const auto unrolled = nn::unroll(model, x, options);
    Var<double> J = sum(unrolled.outputs * random.tensor(unrolled.outputs.shape()));
    nn::for_each_part([&](const Var<double>& part) { J += sum(part * random.tensor(part.shape())); },
                      unrolled.state);
    training.reset();  // who differentiates later is no longer training
    WrtList<double> wrt{x};
    for (const auto& entry : model.parameters()) wrt.add(*entry.parameter);
    Derived result{{unrolled.outputs.value()}, {}, {}};
    for (const Tensor<double>& g : gradient(J, wrt)) result.values.push_back(g);
    result.statistics = tape.statistics();
    if (!second_order) return result;
    const auto graph = gradient_graph(J, wrt);
    Var<double> norm = input(filled({}, 0));
    for (const Var<double>& g : graph) norm += sum(square(g));
    for (const Tensor<double>& g : gradient(norm, wrt)) result.second.push_back(g);
    return result;
}

/// Compares a tight budget with none.
template <class Model>
void check_budget(Model& model, const Shape& x, std::size_t memory, nn::UnrollOptions options,
                  bool trains = false) {
    CAPTURE(memory);
    Random random("a budget's sequence");
    const Tensor<double> sequence = random.tensor(x);
    options.hoist = false;
    const Derived whole = derived(model, sequence, options, true, trains);
    options.memory = memory;
    const Derived parted = derived(model, sequence, options, true, trains);
    CHECK(whole.statistics.recomputed_nodes == 0);
    CHECK(parted.statistics.recomputed_nodes > 0);
    REQUIRE(parted.values.size() == whole.values.size());
    for (std::size_t k = 0; k < whole.values.size(); ++k) {
        CAPTURE(k);
        // Zero is added to what is sliced, which takes the sign from another zero.
        check_same_bits(each(parted.values[k], [](double v) { return v + 0.0; }),
                        each(whole.values[k], [](double v) { return v + 0.0; }));
    }
    for (std::size_t k = 0; k < whole.second.size(); ++k)
        check_close(parted.second[k], whole.second[k], 1e-11);
}

nn::Generator generator(11);

/// h' = tanh(x U + h W), and what is drawn in every step is added.
struct NoisyCell {
    Parameter<double> W;
    nn::Generator* noise;
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, W.shape()[1]}, 0)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const auto draw = [own = noise](std::span<double> elements) {
            for (double& element : elements) element = own->normal();
        };
        const Var<double> next = tanh(matmul(x + h, W) + drawn<double>(x.shape(), draw));
        return std::pair{next, next};
    }
    ParameterList<double> parameters() { return parameter_list(W); }
};

/// Counts the steps that are computed.
struct CountingCell {
    Parameter<double> w;
    mutable std::size_t steps = 0;
    Var<double> initial_state(std::size_t batch) const { return input(filled({batch, 1}, 0.5)); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        ++steps;
        const Var<double> next = tanh(h * w + x);
        return std::pair{next, next};
    }
};

}  // namespace

TEST_CASE("memory: the same bits as without, and second derivatives to rounding") {
    nn::ElmanCell<double> elman(3, 4, generator);
    nn::GruCell<double> gru(3, 4, generator);
    nn::LstmCell<double> lstm(3, 4, generator);
    for (const std::size_t memory : {4000U, 9000U, 20000U}) {
        check_budget(elman, {23, 2, 3}, memory, {});
        check_budget(gru, {23, 2, 3}, memory, {});
        check_budget(lstm, {23, 2, 3}, memory + 1000, {});
    }
    check_budget(gru, {23, 2, 3}, 6000, {.reverse = true});
    check_budget(lstm, {2, 23, 3}, 6000, {.batch_first = true});
    check_budget(gru, {1000, 1, 3}, 20000, {});
}

TEST_CASE("memory: through stacks, both directions and wrappers") {
    auto model = nn::Stack<double>(
        nn::Bidirectional(nn::GruCell<double>(3, 2, generator), nn::GruCell<double>(3, 2, generator)),
        nn::LstmCell<double>(4, 3, generator));
    check_budget(model, {19, 2, 3}, 6000, {});
}

TEST_CASE("memory: masks and noise are drawn once, also when training is over before the gradient") {
    auto model = nn::Stack<double>(nn::GruCell<double>(3, 4, generator), nn::Dropout{.rate = 0.4},
                                   nn::Zoneout(nn::LstmCell<double>(4, 3, generator)));
    check_budget(model, {19, 2, 3}, 6000, {}, true);
    nn::Generator noise(3);
    NoisyCell noisy{Parameter<double>("W", Random("W").tensor({3, 3})), &noise};
    Random random("noise");
    const Tensor<double> x = random.tensor({17, 2, 3});
    noise = nn::Generator(3);
    const Derived whole = derived(noisy, x, {}, false);
    noise = nn::Generator(3);
    const Derived parted = derived(noisy, x, {.memory = 3000}, false);
    CHECK(parted.statistics.recomputed_nodes > 0);
    for (std::size_t k = 0; k < whole.values.size(); ++k) check_same_bits(parted.values[k], whole.values[k]);
}

TEST_CASE("memory: with lengths, and hoisted, to rounding") {
    nn::LstmCell<double> lstm(3, 4, generator);
    Random random("lengths");
    const Tensor<double> x = random.tensor({21, 4, 3});
    for (const bool reverse : {false, true})
        for (const auto& lengths : {std::vector<std::size_t>{}, std::vector<std::size_t>{21, 3, 0, 12}}) {
            const Derived whole = derived(lstm, x, {.reverse = reverse, .lengths = lengths}, true);
            const Derived parted =
                derived(lstm, x, {.reverse = reverse, .lengths = lengths, .memory = 9000}, true);
            CHECK(parted.statistics.recomputed_nodes > 0);
            for (std::size_t k = 0; k < whole.values.size(); ++k)
                check_close(parted.values[k], whole.values[k], 1e-13);
            for (std::size_t k = 0; k < whole.second.size(); ++k)
                check_close(parted.second[k], whole.second[k], 1e-11);
        }
}

TEST_CASE("memory: the gradient is that of the value (Taylor)") {
    nn::GruCell<double> gru(2, 3, generator);
    Random random("Taylor");
    const Tensor<double> x = random.tensor({40, 2, 2});
    const Tensor<double> weights = random.tensor({40, 2, 3});
    const Tensor<double> direction = random.tensor({40, 2, 2});
    const auto value = [&](const Tensor<double>& at) {
        Tape<double> tape;
        return sum(nn::unroll(gru, at, {.memory = 5000}).outputs * weights).item();
    };
    Tape<double> tape;
    const Var<double> in = input(x);
    const Var<double> J = sum(nn::unroll(gru, in, {.memory = 5000}).outputs * weights);
    const double slope = inner({gradient(J, {in})[in]}, {direction});
    // What the linear term leaves falls with the square of the step.
    const auto rest = [&](double step) {
        return std::abs(value(moved({x}, {direction}, step)[0]) - J.item() - step * slope);
    };
    const double order = std::log2(rest(1e-3) / rest(5e-4));
    CHECK(order == doctest::Approx(2).epsilon(0.02));
}

TEST_CASE("memory: as much as is asked for, and no more than one pass where that is enough") {
    CountingCell cell{Parameter<double>("w", filled({}, 0.9))};
    const std::size_t T = 4000;
    const Tensor<double> x = filled({T, 1, 1}, 0.01);
    const auto run = [&](std::size_t memory) {
        cell.steps = 0;
        Tape<double> tape;
        const Var<double> J = sum(nn::unroll(cell, x, {.memory = memory}).outputs);
        gradient(J, {cell.w});
        return tape.statistics();
    };
    const TapeStatistics whole = run(0);
    CHECK(cell.steps == T);
    std::size_t steps_before = 0;
    for (const std::size_t memory : {300'000U, 120'000U, 60'000U, 30'000U}) {
        CAPTURE(memory);
        const TapeStatistics parted = run(memory);
        const std::size_t outputs = 4 * T * 64;  // a place for each, and the whole
        CHECK(parted.recomputed_bytes <= memory + outputs);
        CHECK(parted.peak_bytes <= memory + outputs + whole.cotangent_bytes);
        CHECK(cell.steps >= steps_before);  // less memory is more work
        CHECK(cell.steps <= 8 * T);
        steps_before = cell.steps;
    }
    run(300'000);
    CHECK(cell.steps <= 2 * T + 2);  // those that find out how large a step is come on top
    CHECK(run(1'000'000'000).recomputed_nodes == 0);
}

TEST_CASE("memory: plans") {
    using nn::detail::MemoryPlan;
    CHECK(MemoryPlan::within(100, 11, 10, 9).depth == 1);
    CHECK(MemoryPlan::within(100, 11, 10, 9).stretch == 9);
    // 10 states and stretches of 1: C(12, 2) with two levels, C(13, 3) with three.
    CHECK(MemoryPlan{1, 10, 2}.capacity() == 66);
    CHECK(MemoryPlan{1, 10, 3}.capacity() == 286);
    CHECK(MemoryPlan{5, 3, 0}.capacity() == 5);
    const std::function<void(const MemoryPlan&, std::size_t)> check = [&](const MemoryPlan& plan,
                                                                          std::size_t count) {
        REQUIRE(count <= plan.capacity());
        if (plan.depth == 0) return;
        std::size_t sum = 0;
        const auto parts = plan.parts(count);
        REQUIRE(parts.size() <= plan.states + 1);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            REQUIRE(parts[i] > 0);
            check(plan.of_part(i, parts[i]), parts[i]);
            sum += parts[i];
        }
        REQUIRE(sum == count);
    };
    for (const std::size_t count : {2U, 17U, 100U, 999U, 3000U})
        for (const std::size_t memory : {300U, 500U, 1000U, 5000U})
            check(MemoryPlan::within(memory, count, 10, 40), count);
    CHECK(MemoryPlan::within(std::numeric_limits<std::size_t>::max(), 100, 1 << 20, 8).depth == 0);
    CHECK(
        contains(text_of<std::invalid_argument>([] { MemoryPlan::within(100, 10, 80, 40); }),
                 "100 bytes are too few for 10 time steps: one takes 80 bytes, and a state that is kept 40"));
}

TEST_CASE("memory: an error names the time step of the whole sequence") {
    struct Growing {
        mutable std::size_t steps = 0;
        Var<double> initial_state(std::size_t batch) const { return input(filled({batch, 2}, 0)); }
        std::pair<Var<double>, Var<double>> step(const Var<double>& x, const Var<double>& h) const {
            // The first one finds out how much memory a step takes.
            return {h, steps++ == 10 ? Var<double>(concatenate({h, x}, 1)) : Var<double>(h + x)};
        }
    };
    Tape<double> tape;
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::unroll(Growing(), filled({20, 1, 2}, 1), {.memory = 3'000});
                   }),
                   "at t=9 "));
}

TEST_CASE("memory: what does not go together is refused") {
    nn::ElmanCell<double> elman(3, 4, generator);
    Tape<double> tape;
    const Tensor<double> x = filled({5, 2, 3}, 0.1);
    CHECK(contains(
        text_of<std::invalid_argument>([&] { nn::unroll(elman, x, {.trace = true, .memory = 9000}); }),
        "trace keeps the states"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::unroll(elman, x, {.mask = nn::StepMask(filled({5, 2}, 1)), .memory = 9000});
                   }),
                   "does not go together with a mask"));
    CHECK(contains(text_of<std::invalid_argument>([&] { nn::unroll(elman, x, {.memory = 10}); }),
                   "10 bytes are too few"));
    CHECK(tape.size() == 0);
}

TEST_CASE("recomputed: what it returns and what it reads may be anything") {
    Random random("anything");
    const Tensor<double> value = random.tensor({2, 3});
    Parameter<double> p("p", random.tensor({3}));
    const auto run = [&](bool parted) {
        Tape<double> tape;
        const Var<double> a = input(value);
        const Var<double> b = tanh(a * p);
        const auto f = [&p, a, b] {
            const Var<double> inside = exp(b * p) + a;
            // One twice, one from before, and one that nobody differentiates.
            return std::tuple{inside, std::array{sum(inside), inside}, std::vector{a, square(b)}};
        };
        const auto [first, two, list] = parted ? nn::recomputed(f) : f();
        CHECK(list[0].is(a));
        CHECK(two[1].is(first));
        const Var<double> J = sum(first * two[1]) * two[0] + sum(list[0]);
        Tensors all{J.value()};
        for (const Tensor<double>& g : gradient(J, {a, b, p})) all.push_back(g);
        const auto graph = gradient_graph(J, {a, p});
        for (const Tensor<double>& g : gradient(sum(graph.at(0)) + sum(square(graph.at(1))), {a, b, p}))
            all.push_back(g);
        return all;
    };
    const Tensors whole = run(false);
    const Tensors parted = run(true);
    for (std::size_t k = 0; k < whole.size(); ++k) {
        if (k < 4)
            check_same_bits(parted[k], whole[k]);
        else  // derived twice, terms are summed in another order
            check_close(parted[k], whole[k], 1e-10);
    }
}

TEST_CASE("recomputed: in itself") {
    Random random("in itself");
    const Tensor<double> value = random.tensor({4});
    const auto run = [&](int depth) {
        Tape<double> tape;
        const Var<double> x = input(value);
        const std::function<Var<double>(const Var<double>&, int)> f = [&](const Var<double>& y, int levels) {
            if (levels == 0) return Var<double>(sin(y * x) + y);
            const auto inner = [&f, y, levels] { return f(f(y, levels - 1), levels - 1); };
            return depth > 0 ? nn::recomputed(inner) : inner();
        };
        const Var<double> J = sum(f(x, 4));
        Tensors all{J.value(), gradient(J, {x})[x]};
        all.push_back(gradient(sum(square(gradient_graph(J, {x})[x])), {x})[x]);
        return all;
    };
    const Tensors whole = run(0);
    const Tensors parted = run(1);
    check_same_bits(parted[0], whole[0]);
    check_same_bits(parted[1], whole[1]);
    check_close(parted[2], whole[2], 1e-12);
}

TEST_CASE("recomputed: its gradient by differences, with labels, and on another current tape") {
    nn::GruCell<double> gru(2, 3, generator);
    Random random("differences");
    const Tensor<double> x = random.tensor({6, 2, 2});
    const auto f = [&](const Var<double>& in) {
        return nn::recomputed([&gru, in] { return nn::unroll(gru, in).outputs; });
    };
    CHECK_GRADIENT(f, {{"x", x}});
    CHECK_GRADIENT([&] { return sum(square(f(input(x)))); }, gru.parameters());
    Tape<double> tape;
    const Var<double> in = input(x);
    const Var<double> J = [&] {
        const LabelScope<double> label("encoder");
        return sum(f(in));
    }();
    Tape<double> another;
    CHECK_NOTHROW(gradient(J, {in}));
    CHECK(another.size() == 0);
    CHECK(tape.label(J.index()) == "encoder");
}

TEST_CASE("recomputed: a function that gives something else the second time is refused") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    double factor = 2;
    const Var<double> changed = nn::recomputed([&factor, x] { return exp(x) * factor; });
    const Var<double> same = nn::recomputed([x] { return exp(x) * 2; });
    factor = std::nextafter(factor, 3.0);
    const std::size_t size = tape.size();
    CHECK(contains(text_of<std::logic_error>([&] { gradient(sum(changed), {x}); }),
                   "its function gave other values when it was computed again"));
    CHECK(
        contains(text_of<std::logic_error>([&] { gradient_graph(sum(changed), {x}); }), "gave other values"));
    nn::Generator own(1);
    Var<double> noisy = nn::recomputed([&own, x] { return x * own.uniform(); });
    CHECK(contains(text_of<std::logic_error>([&] { gradient(sum(noisy), {x}); }), "draw by `drawn` alone"));
    CHECK(tape.size() > size);
    CHECK_NOTHROW(gradient(sum(same), {x}));
}

TEST_CASE("recomputed: whatever it throws, the tape is as before") {
    Tape<double> tape;
    const Var<double> x = input(vector({1, 2}));
    const auto before = tape.mark();
    const auto fails = [x](bool at_once) {
        return [x, at_once, count = std::make_shared<int>(0)]() -> Var<double> {
            const Var<double> y = exp(x);
            if (at_once || ++*count > 1) throw std::runtime_error("of the user's");
            return y;
        };
    };
    CHECK(text_of<std::runtime_error>([&] { nn::recomputed(fails(true)); }) == "of the user's");
    CHECK(tape.mark() == before);
    const Var<double> y = nn::recomputed(fails(false));
    const Var<double> J = sum(y);
    const auto recorded = tape.mark();
    CHECK(text_of<std::runtime_error>([&] { gradient(J, {x}); }) == "of the user's");
    CHECK(tape.mark() == recorded);
    CHECK(tape.draws() == nullptr);
    CHECK(&Tape<double>::current() == &tape);
}

TEST_CASE("recomputed: in a program, with masks that are drawn anew") {
    nn::Generator weights(2);
    auto model = nn::Stack<double>(nn::GruCell<double>(3, 4, weights), nn::Dropout{.rate = 0.4});
    Random random("programs");
    const Tensors batches{random.tensor({12, 2, 3}), random.tensor({12, 2, 3}), random.tensor({12, 2, 3})};
    const nn::UnrollOptions options{.hoist = false, .memory = 8000};
    Tensors anew;
    {
        nn::Generator masks(9);
        const nn::Training training(masks);
        for (const Tensor<double>& batch : batches) {
            Tape<double> tape;
            const Var<double> J = mean(square(nn::unroll(model, batch, options).outputs));
            anew.push_back(J.value());
            for (const Tensor<double>& g : gradient(J, model.parameters())) anew.push_back(g);
        }
    }
    Tensors again;
    nn::Generator masks(9);
    const nn::Training training(masks);
    Tape<double> tape;
    const Var<double> x = input(batches[0]);
    const Var<double> J = mean(square(nn::unroll(model, x, options).outputs));
    Program<double> program(J, model.parameters());
    for (std::size_t i = 0; i < batches.size(); ++i) {
        program.set(x, batches[i]);
        if (i > 0) program.run();
        again.push_back(J.value());
        for (const Tensor<double>& g : program.gradients()) again.push_back(g);
    }
    for (std::size_t k = 0; k < anew.size(); ++k) check_same_bits(again[k], anew[k]);
}

TEST_CASE("recomputed: on a watched tape every node stays, and NaN is found where it arises") {
    Tape<double> tape({.watch = true});
    const Var<double> x = input(vector({1, 2}));
    const Var<double> J = sum(nn::recomputed([x] { return exp(x); }));
    CHECK(tape.node(J.index() - 1).operation->name() == "exp");
}
