#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/loops.hpp>

#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t time_steps = 4;

/// A loop whose step t multiplies by a number of its own, so that the nodes that a sweep records for the step
/// can be told.
struct Loop {
    Tape<double> tape;
    Parameter<double> W{"W", tensor({2, 2}, {0.3, -0.2, 0.5, 0.4})};
    std::vector<NodeIndex> factors;
    Var<double> J = record();

    Var<double> record() {
        Var<double> h = input(tensor({1, 2}, {0.1, 0.7}));
        {
            const LabelScope<double> encoder("encoder");
            for (std::size_t t = 0; t < time_steps; ++t) {
                const LabelScope<double> step(t);
                const Var<double> factor = input(vector({1.5 + static_cast<double>(t), 2}));
                factors.push_back(factor.index());
                h = tanh(matmul(h, W)) * factor;
            }
        }
        return sum(h * h);
    }
    /// The nodes from `begin` on that have a factor among their inputs: that of each step.
    std::vector<std::vector<NodeIndex>> users_of_factors(NodeIndex begin) const {
        std::vector<std::vector<NodeIndex>> users(time_steps);
        for (NodeIndex node = begin; node < tape.size(); ++node)
            for (std::size_t t = 0; t < time_steps; ++t)
                for (const NodeIndex input : tape.inputs(node))
                    if (input == factors[t]) users[t].push_back(node);
        return users;
    }
};

}  // namespace

TEST_CASE("adjoint labels: what a recorded sweep adds stands in the time step that it belongs to") {
    Loop loop;
    const auto begin = static_cast<NodeIndex>(loop.tape.size());
    const Var<double> outside = loop.J + 1.0;
    const GradientGraph<double> gradients = gradient_graph(loop.J, {loop.W});
    const auto users = loop.users_of_factors(begin);
    for (std::size_t t = 0; t < time_steps; ++t) {
        REQUIRE(users[t].size() == 1);
        CHECK(loop.tape.label(users[t][0]) == "adjoint/encoder/t=" + std::to_string(t));
        CHECK(loop.tape.module(users[t][0]) == "adjoint/encoder");
        CHECK(loop.tape.time_step(users[t][0]) == t);
    }
    // Each node belongs to the sweep, that of h * h outside of the loop, and the label of the caller is as it
    // was.
    CHECK(loop.tape.label(outside.index()).empty());
    for (NodeIndex node = outside.index() + 1; node < loop.tape.size(); ++node)
        CHECK((loop.tape.label(node).starts_with("adjoint") || loop.tape.inputs(node).empty()));
    CHECK(loop.tape.label((loop.J + 2.0).index()).empty());
}

TEST_CASE("adjoint labels: the second sweep of a Hessian-vector product has those of both") {
    Loop loop;
    const Tensor<double> v = tensor({2, 2}, {1, 2, -1, 0.5});
    const auto first = static_cast<NodeIndex>(loop.tape.size());
    const Var<double> g = gradient_graph(loop.J, {loop.W})[loop.W];
    const Var<double> gv = sum(g * v);
    const auto second = static_cast<NodeIndex>(loop.tape.size());
    const GradientGraph<double> product = gradient_graph(gv, {loop.W});
    const auto of_first = loop.users_of_factors(first);
    const auto of_second = loop.users_of_factors(second);
    for (std::size_t t = 0; t < time_steps; ++t) {
        const std::string step = "encoder/t=" + std::to_string(t);
        std::set<std::string> labels;
        for (const NodeIndex node : of_second[t]) {
            labels.insert(loop.tape.label(node));
            CHECK(loop.tape.time_step(node) == t);
        }
        // Of the node itself, and of that which the first sweep added.
        CHECK(labels == std::set<std::string>{"adjoint/adjoint/" + step, "adjoint/" + step});
    }

    // The loops of the sweeps, each with all its steps: the first from the last step on, its adjoint from the
    // first.
    const tapeloop::detail::TimeLoops loops = tapeloop::detail::find_loops(loop.tape);
    std::vector<std::string> found;
    for (const tapeloop::detail::TimeLoop& one : loops.loops) {
        found.push_back(one.label);
        CHECK(one.time_steps.size() == time_steps);
    }
    CHECK(found == std::vector<std::string>{"encoder", "adjoint/encoder", "adjoint/adjoint/encoder",
                                            "adjoint/encoder"});
    CHECK(loops.loops[1].time_steps.front() == time_steps - 1);
    CHECK(loops.loops[2].time_steps.front() == 0);

    // DOT has a box for each step of each, and tells the two loops of one label apart.
    const std::string dot = to_dot(read_graph(loop.tape), {.widest = 1'000'000});
    const auto boxes = [&dot](const std::string& label) {
        std::size_t count = 0;
        for (std::size_t at = dot.find("label=\"" + label + "\""); at != std::string::npos;
             at = dot.find("label=\"" + label + "\"", at + 1))
            ++count;
        return count;
    };
    CHECK(boxes("adjoint") == 2);
    for (std::size_t t = 0; t < time_steps; ++t) {
        CHECK(boxes("t=" + std::to_string(t)) == 3);
        CHECK(boxes("t=" + std::to_string(t) + " (loop 1)") == 1);
    }
}

TEST_CASE("adjoint labels: they stand below the label of the caller, and come with no node without one") {
    Loop loop;
    {
        const LabelScope<double> outer("inner update");
        gradient_graph(loop.J, {loop.W});
    }
    const auto users = loop.users_of_factors(loop.J.index() + 1);
    CHECK(loop.tape.label(users[2].at(0)) == "inner update/adjoint/encoder/t=2");
    CHECK(loop.tape.time_step(users[2].at(0)) == std::size_t{2});
    // A label that only looks like a step is none.
    Tape<double> tape;
    Var<double> y = input(vector({1, 2}));
    {
        const LabelScope<double> name("t=x");
        y = y * y;
    }
    const Var<double> J = sum(y);
    const Var<double> g = gradient_graph(J, {y})[y];
    CHECK(!tape.time_step(g.index()).has_value());
}
