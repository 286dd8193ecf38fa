#pragma once

#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/sequence/unroll.hpp>

/// A cell against its equations in plain loops, over a sequence of several steps: values, and the gradients
/// of both orders by x, the initial state and all parameters.
namespace tapeloop::test {

/// The sizes of all that is checked: time steps, rows, inputs, units.
inline constexpr std::size_t T = 4;
inline constexpr std::size_t B = 2;
inline constexpr std::size_t I = 3;
inline constexpr std::size_t H = 5;

double logistic(double a);

/// Row `row` of x times column `column` of W.
double product(const Tensor<double>& x, const Tensor<double>& W, std::size_t row, std::size_t column);

/// The next state, h first, of x [B, I], a state and the parameters. When the output is not h, it stands in
/// front of the state.
using Step = std::function<Tensors(const Tensor<double>& x, const Tensors& state, const Tensors& parameters)>;

/// A cell's equations, and what it is run on: x, the initial state's parts, the parameters.
struct CellCase {
    std::size_t parts;
    Step step;
    Tensors arguments;
};

/// The outputs of all time steps, and the parts of the last state.
Tensors run_loops(const CellCase& c, const Tensors& arguments);

Tensors random_like(std::string_view seed, const Tensors& x);
void check_all_close(const Tensors& actual, const Tensors& expected, double tolerance);

/// Random arguments for a cell.
template <class C>
CellCase case_of(C& cell, Step step, std::string_view seed = "cells") {
    Random random(seed);
    Tensors arguments{random.tensor({T, B, I})};
    std::size_t parts = 0;
    {
        Tape<nn::ValueOf<C>> tape;
        nn::for_each_part(
            [&](const auto& part) {
                arguments.push_back(random.tensor(part.shape()));
                ++parts;
            },
            cell.initial_state(B));
    }
    for (const auto& entry : cell.parameters()) arguments.push_back(random.tensor(entry.parameter->shape()));
    return {parts, std::move(step), std::move(arguments)};
}

struct CellRun {
    Tensors results;
    Tensors gradients;
    Tensors recorded;  ///< the same from `gradient_graph`
    Tensors second;    ///< the gradient of <recorded, direction>
};

inline constexpr unsigned all_results = ~0U;

/// Unrolls the cell on a tape; the results whose bit is in `used` get the cotangents.
template <class C>
CellRun run_tape(C& cell, const Tensors& arguments, const Tensors& cotangents, const Tensors& directions,
                 unsigned used = all_results, bool fuse = true) {
    Tape<double> tape({.fuse = fuse});
    const Var<double> x = input(arguments[0]);
    WrtList<double> wrt{x};
    std::size_t next = 1;
    const auto given = [&](const Var<double>&) {
        const Var<double> part = input(arguments[next++]);
        wrt.add(part);
        return part;
    };
    const auto state = nn::map_state(given, cell.initial_state(B));
    for (const auto& entry : cell.parameters()) {
        entry.parameter->assign(arguments[next++]);
        wrt.add(*entry.parameter);
    }
    const auto unrolled = nn::unroll(cell, x, state);
    std::vector<Var<double>> y{unrolled.outputs};
    nn::for_each_part([&](const Var<double>& part) { y.push_back(part); }, unrolled.state);

    CellRun run;
    std::vector<GradientRoot<double>> roots;
    std::vector<GradientGraphRoot<double>> graph_roots;
    for (std::size_t k = 0; k < y.size(); ++k) {
        run.results.push_back(y[k].value());
        if ((used >> k & 1U) == 0) continue;
        roots.push_back({y[k], cotangents[k]});
        graph_roots.push_back({y[k], input(cotangents[k])});
    }
    for (const Tensor<double>& g : gradient(roots, wrt)) run.gradients.push_back(g);
    const GradientGraph<double> graph = gradient_graph(graph_roots, wrt);
    Var<double> projected = input(filled({}, 0));
    for (std::size_t k = 0; k < graph.size(); ++k) {
        run.recorded.push_back(graph.at(k).value());
        projected = projected + sum(graph.at(k) * directions[k]);
    }
    for (const Tensor<double>& g : gradient(projected, wrt)) run.second.push_back(g);
    return run;
}

/// Fused and operation by operation, with cotangents for all results and for one of them alone.
template <class C>
void check_cell(C& cell, const CellCase& c) {
    const Tensors values = run_loops(c, c.arguments);
    const Tensors cotangents = random_like("cotangents", values);
    const Tensors directions = random_like("directions", c.arguments);
    const auto run = [&](const Tensors& arguments, unsigned used, bool fuse) {
        return run_tape(cell, arguments, cotangents, directions, used, fuse);
    };
    const CellRun fused = run(c.arguments, all_results, true);
    check_all_close(fused.results, values, 1e-13);

    for (std::size_t k = 0; k < c.arguments.size(); ++k) {
        CAPTURE(k);
        const auto loss = [&](const Tensors& a) { return inner(run_loops(c, a), cotangents); };
        check_close(fused.gradients[k], derivative(loss, c.arguments, k), 1e-8);
    }
    check_all_close(fused.recorded, fused.gradients, 1e-12);
    const auto gradients = [&](const Tensors& a) { return run(a, all_results, true).gradients; };
    check_all_close(fused.second, derivative_along(gradients, c.arguments, directions), 1e-7);

    const CellRun plain = run(c.arguments, all_results, false);
    check_all_close(plain.results, fused.results, 1e-13);
    check_all_close(plain.gradients, fused.gradients, 1e-12);
    check_all_close(plain.second, fused.second, 1e-11);

    // One result alone: the outputs, h, c.
    for (unsigned only = 0; only < values.size(); ++only) {
        CAPTURE(only);
        Tensors single = cotangents;
        for (std::size_t k = 0; k < single.size(); ++k)
            if (k != only) single[k].fill(0);
        const Tensors whole = run_tape(cell, c.arguments, single, directions).gradients;
        check_all_close(run(c.arguments, 1U << only, true).gradients, whole, 1e-13);
        check_all_close(run(c.arguments, 1U << only, false).gradients, whole, 1e-12);
    }
}

/// The outputs of a cell in `float` against the loops in double.
template <class C>
void check_float(C& cell, const CellCase& c) {
    std::size_t next = 1;
    Tape<float> tape;
    const auto given = [&](const auto&) { return input(rounded<float>(c.arguments[next++])); };
    const auto state = nn::map_state(given, cell.initial_state(B));
    for (const auto& entry : cell.parameters()) entry.parameter->assign(rounded<float>(c.arguments[next++]));
    const auto y = nn::unroll(cell, input(rounded<float>(c.arguments[0])), state).outputs;
    check_close(as_double(y.value()), run_loops(c, c.arguments)[0], 1e-5);
}

/// Returns how many nodes unrolling the cell takes, beyond those of no steps.
template <class C>
std::size_t nodes_for(const C& cell, std::size_t time_steps) {
    Tape<nn::ValueOf<C>> tape;
    nn::unroll(cell, input(nn::zeros<nn::ValueOf<C>>({time_steps, B, I})));
    return tape.size();
}

/// T steps take a + b T nodes; returns b.
template <class C>
std::size_t check_node_count(const C& cell) {
    const std::size_t each = nodes_for(cell, 4) - nodes_for(cell, 3);
    CHECK(nodes_for(cell, 20) - nodes_for(cell, 4) == 16 * each);
    return each;
}

}  // namespace tapeloop::test
