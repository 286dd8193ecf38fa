#include "numeric.hpp"

#include <autograd/gradient.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/index.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>

#include <doctest/doctest.h>

// A sweep may keep a cotangent where it is, share it, or write it where another operation wants it. Whether
// that ever spoils another one depends on how results are shared; so programs are made at random, mostly of
// operations that move elements, whose results are used any number of times.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Values = std::vector<Var<double>>;

const Shape shape{4, 6};

/// One operation that makes [4, 6] of one or two of the values so far.
Var<double> random_step(Random& random, const Values& values) {
    const Var<double> x = values[random.below(values.size())];
    const Var<double> y = values[random.below(values.size())];
    switch (random.below(17)) {
        case 0:
            return x + y;
        case 1:
            return x - y;
        case 2:
            return sin(x) * y;
        case 3:
            return -x;
        case 4:
            return reshape(reshape(x, {2, 12}), shape);
        case 5:
            return reshape(transpose(x), shape);
        case 6:
            return flip(x, static_cast<int>(random.below(2)));
        case 7:
            return concatenate({slice(x, 0, 1, 4), slice(y, 0, 0, 1)}, 0);
        case 8:
            return concatenate({columns(x, 1, 2), columns(y, 0, 2)}, 1);
        case 9: {
            const Values rows = unstack(x);
            return stack({rows[3], rows[0], rows[3], unstack(y)[1]});
        }
        case 10:
            return gather_rows(x, {2, 2, 0, 3});
        case 11:
            return x + sum(y, 0) + mean(x, 1, true);
        case 12: {
            const auto [p, q] = map([](auto a, auto b) { return std::tuple{tanh(a) * b, a + b}; }, x, y);
            return random.below(2) == 0 ? p : q;
        }
        case 13:
            return squeeze(expand_dims(x, 1), 1);
        case 14:
            return slice(slice(pad(x, {{1, 0}, {0, 2}}), 1, 2, 8), 0, 1, 5);
        case 15:
            return broadcast_to(slice(x, 0, 2, 3), shape) * 0.5;
        default:
            return matmul(x, matmul(y, x, {true, false})) * 0.1;
    }
}

/// Random, but the same for the same seed: leaves first, then what is made of them.
Values random_program(std::uint64_t seed, const Tensors& leaves) {
    Random random(seed);
    Values values;
    for (const Tensor<double>& leaf : leaves) values.push_back(input(leaf));
    for (int i = 0; i < 14; ++i) {
        const Var<double> bounded = tanh(random_step(random, values));
        values.push_back(bounded + 0.1 * random_step(random, values));
    }
    for (int i = 0; i < 8; ++i) values.push_back(random_step(random, values));
    return values;
}

std::vector<Root<double>> random_roots(Random& random, const Values& values) {
    std::vector<Root<double>> roots;
    for (int i = 0; i < 4; ++i)
        roots.push_back({values[values.size() - 1 - random.below(8)], random.tensor(shape)});
    return roots;
}

}  // namespace

TEST_CASE(
    "random graphs: a gradient does not depend on what else is asked for, and agrees with the recorded one") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        Random random(seed + 1000);
        const Tensors leaves{random.tensor(shape), random.tensor(shape), random.tensor(shape)};
        Tape<double> tape;
        const Values values = random_program(seed, leaves);
        const std::vector<Root<double>> roots = random_roots(random, values);
        std::vector<GraphRoot<double>> graph_roots;
        for (const Root<double>& root : roots) graph_roots.push_back({root.value, input(root.cotangent)});

        std::vector<Wrt<double>> everything;
        for (Index node = 0; node < values.back().index(); ++node)
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
        const Tensors leaves{random.tensor(shape), random.tensor(shape), random.tensor(shape)};
        Tape<double> tape;
        const Values values = random_program(seed, leaves);
        const std::vector<Root<double>> roots = random_roots(random, values);
        const auto actual = gradient(roots, {values[0], values[1], values[2]});
        const auto loss = [&](const Tensors& x) {
            Tape<double> inner_tape;
            const Values again = random_program(seed, x);
            double total = 0;
            for (const Root<double>& root : roots)
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
