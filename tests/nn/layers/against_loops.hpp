#pragma once

#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>

#include <cmath>

/// A layer against the same function in plain loops.
namespace tapeloop::test {

using Graph = std::function<std::vector<Var<double>>(const std::vector<Var<double>>& inputs)>;
using Loops = std::function<Tensors(const Tensors& inputs_and_parameters)>;

struct LayerRun {
    Tensors results;
    Tensors gradients;
    Tensors recorded;  ///< the same from `gradient_graph`
    Tensors second;    ///< the gradient of <recorded, directions>
};

inline LayerRun run_layer(const Graph& graph, const Tensors& arguments,
                          const ParameterList<double>& parameters, const Tensors& cotangents,
                          const Tensors& directions) {
    const Tape<double> tape;
    std::vector<Var<double>> inputs;
    WrtList<double> wrt{};
    for (std::size_t k = 0; k < arguments.size() - parameters.size(); ++k) {
        inputs.push_back(input(arguments[k]));
        wrt.add(inputs.back());
    }
    for (std::size_t k = 0; k < parameters.size(); ++k) {
        parameters[k].parameter->assign(arguments[inputs.size() + k]);
        wrt.add(*parameters[k].parameter);
    }
    const std::vector<Var<double>> results = graph(inputs);
    LayerRun run;
    std::vector<GradientRoot<double>> roots;
    std::vector<GradientGraphRoot<double>> graph_roots;
    for (std::size_t k = 0; k < results.size(); ++k) {
        run.results.push_back(results[k].value());
        if (cotangents.empty()) continue;
        roots.push_back({results[k], cotangents[k]});
        graph_roots.push_back({results[k], input(cotangents[k])});
    }
    if (cotangents.empty()) return run;
    for (const Tensor<double>& g : gradient(roots, wrt)) run.gradients.push_back(g);
    const GradientGraph<double> recorded = gradient_graph(graph_roots, wrt);
    Var<double> projected = input(filled({}, 0));
    for (std::size_t k = 0; k < recorded.size(); ++k) {
        run.recorded.push_back(recorded.at(k).value());
        projected = projected + sum(recorded.at(k) * directions[k]);
    }
    for (const Tensor<double>& g : gradient(projected, wrt)) run.second.push_back(g);
    return run;
}

/// Values, gradients by every input and parameter, and their derivatives along a direction; `arguments` are
/// the inputs' values and then the parameters'.
inline void check_against_loops(const Graph& graph, const Loops& loops, const Tensors& arguments,
                                const ParameterList<double>& parameters = {}) {
    Random random("against loops");
    const auto random_like = [&](const Tensors& x) {
        Tensors result;
        for (const Tensor<double>& one : x) result.push_back(random.tensor(shape_of(one)));
        return result;
    };
    const auto check_all = [](const Tensors& actual, const Tensors& expected, double tolerance) {
        REQUIRE(actual.size() == expected.size());
        for (std::size_t k = 0; k < actual.size(); ++k) {
            CAPTURE(k);
            check_close(actual[k], expected[k], tolerance);
        }
    };
    const Tensors values = loops(arguments);
    const Tensors cotangents = random_like(values);
    const Tensors directions = random_like(arguments);
    const LayerRun run = run_layer(graph, arguments, parameters, cotangents, directions);
    check_all(run.results, values, 1e-12);
    const auto loss = [&](const Tensors& x) { return inner(loops(x), cotangents); };
    for (std::size_t k = 0; k < arguments.size(); ++k) {
        CAPTURE(k);
        check_close(run.gradients[k], derivative(loss, arguments, k), 1e-8);
    }
    check_all(run.recorded, run.gradients, 1e-12);
    const auto gradients = [&](const Tensors& x) {
        return run_layer(graph, x, parameters, cotangents, directions).gradients;
    };
    check_all(run.second, derivative_along(gradients, arguments, directions), 1e-7);
}

/// `x` with NaN instead of what lies in row b of [T, B, ..] from time step `length` on.
inline Tensor<double> spoiled(Tensor<double> x, const std::vector<std::size_t>& lengths) {
    const std::size_t batch = x.shape()[1];
    const std::size_t elements = x.size() / (x.shape()[0] * batch);
    for (std::size_t t = 0; t < x.shape()[0]; ++t)
        for (std::size_t b = 0; b < batch; ++b)
            if (t >= lengths[b]) std::fill_n(x.data() + (t * batch + b) * elements, elements, std::nan(""));
    return x;
}

}  // namespace tapeloop::test
