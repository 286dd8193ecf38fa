#include <tests/autograd/random_program.hpp>

#include <doctest/doctest.h>

// A sweep may keep a cotangent where it is, share it, or write it where another operation wants it. Whether
// that ever spoils another one depends on how results are shared; so programs are made at random.

using namespace tapeloop;
using namespace tapeloop::test;

TEST_CASE(
    "random graphs: a gradient does not depend on what else is asked for, and agrees with the recorded one") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        Random random(seed + 1000);
        const Tensors leaves{random.tensor(program_shape), random.tensor(program_shape),
                             random.tensor(program_shape)};
        Tape<double> tape;
        const Values values = random_program(seed, leaves);
        const std::vector<GradientRoot<double>> roots = random_roots(random, values);
        std::vector<GradientGraphRoot<double>> graph_roots;
        for (const GradientRoot<double>& root : roots)
            graph_roots.push_back({root.value, input(root.cotangent)});

        std::vector<Wrt<double>> everything;
        for (NodeIndex node = 0; node < values.back().index(); ++node)
            if (tape.node(node).data != nullptr) everything.emplace_back(tape.var(node));
        const auto all = gradient(roots, everything);
        const auto recorded = gradient_graph(graph_roots, everything);
        for (std::size_t i = 0; i < everything.size(); ++i) {
            const std::string problem = difference(recorded.at(i).value(), all.at(i), 1e-11);
            CHECK_MESSAGE(problem.empty(), tape.describe(everything[i].var().index()), ": ", problem);
        }
        for (int trial = 0; trial < 6; ++trial) {
            std::vector<Wrt<double>> some;
            for (std::size_t i = 0; i < 4; ++i) some.push_back(everything[random.below(everything.size())]);
            const auto few = gradient(roots, some);
            for (std::size_t i = 0; i < some.size(); ++i) {
                const std::string problem = difference(few.at(i), all[some[i]], 1e-11);
                CHECK_MESSAGE(problem.empty(), tape.describe(some[i].var().index()), ": ", problem);
            }
        }
    }
}

TEST_CASE("random graphs: gradients agree with differences") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        Random random(seed + 5000);
        const Tensors leaves{random.tensor(program_shape), random.tensor(program_shape),
                             random.tensor(program_shape)};
        Tape<double> tape;
        const Values values = random_program(seed, leaves);
        const std::vector<GradientRoot<double>> roots = random_roots(random, values);
        const auto actual = gradient(roots, {values[0], values[1], values[2]});
        const auto loss = [&](const Tensors& x) {
            Tape<double> inner_tape;
            const Values again = random_program(seed, x);
            double total = 0;
            for (const GradientRoot<double>& root : roots)
                for (std::size_t k = 0; k < values.size(); ++k)
                    if (values[k].is(root.value)) total += inner({again[k].value()}, {root.cotangent});
            return total;
        };
        for (std::size_t k = 0; k < leaves.size(); ++k) {
            const std::string problem = difference(actual.at(k), derivative(loss, leaves, k), 1e-6);
            CHECK_MESSAGE(problem.empty(), k, ": ", problem);
        }
    }
}
