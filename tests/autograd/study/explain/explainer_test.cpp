#include <autograd/autograd.hpp>
#include <autograd/study/explain/explain.hpp>
#include <autograd/study/explain/explainer.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

using namespace tapeloop;

namespace {

/// Checks every node that is not a parameter, and all parameters, as `explain` is asked for them.
template <class T>
void check_every_node(const Var<T>& J, const std::type_identity_t<WrtList<T>>& parameters = {}) {
    Tape<T>& tape = J.tape();
    tapeloop::detail::Explainer<T> explainer(J);
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        if (tape.parameter(node) != nullptr || tape.node(node).data == nullptr) continue;
        CAPTURE(node);
        CHECK(explainer.of(node).text() == explain(J, tape.var(node)).text());
    }
    for (const Wrt<T>& of : parameters.list())
        if (const auto node = tape.find(of.parameter()))
            CHECK(explainer.of(*node).text() == explain(J, of).text());
}

}  // namespace

TEST_CASE_TEMPLATE("Explainer: all nodes at once as each alone, of an LSTM", T, float, double) {
    nn::Generator generator(5);
    nn::LstmCell<T> cell(3, 4, generator);
    nn::gate_block(cell.b, cell.gate_names(), "forget").assign(T(-8));  // shut: ways beside the path
    const Tape<T> tape({.fuse = false});
    const Var<T> x = input(nn::normal<T>({12, 2, 3}, 0, 1, generator)).named("x");
    const auto run = nn::unroll(cell, x, {.hoist = false});
    const Var<T> unused = sum(tanh(run.outputs));
    const Var<T> J = mean(square(run.outputs));
    check_every_node(J, cell.parameters());
    CHECK(explain(J, unused).culprits.front().cause == Cause::unused);
}

TEST_CASE("Explainer: a parameter with more uses than are tried, fused steps, values that are none") {
    nn::Generator generator(6);
    nn::ElmanCell<double> cell(2, 3, generator);
    {
        const Tape<double> tape;
        const auto run = nn::unroll(cell, nn::normal<double>({100, 2, 2}, 0, 1, generator));
        check_every_node(sum(square(run.outputs)), cell.parameters());
    }
    const Tape<double> tape({.fuse = false});
    Tensor<double> x = nn::normal<double>({5, 2, 2}, 0, 1, generator);
    x(3, 0, 0) = std::nan("");
    check_every_node(sum(nn::unroll(cell, x).outputs), cell.parameters());
}

TEST_CASE("Explainer: paths that end, at a relu, a detached value, a constant") {
    const Tape<double> tape;
    const Var<double> a = input(Tensor<double>{1, 2, 3}).named("a");
    const Var<double> dead = relu(a - 10.0);
    const Var<double> kept = detach(exp(a)) * a;
    const Var<double> b = input(Tensor<double>{1, 1, 1}).named("b");
    const Var<double> beside = b * b * 0.0;
    check_every_node(sum(dead * dead + kept + beside));
}
