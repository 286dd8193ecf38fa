#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/graph/graph.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/wrappers/stack.hpp>

#include <algorithm>
#include <numeric>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Places = std::vector<NodeIndex>;

Places indices_of(const Graph& graph) {
    Places indices;
    for (const GraphNode& node : graph) indices.push_back(node.index);
    return indices;
}

/// A graph of 60 nodes with up to three inputs each, some of them twice.
std::vector<GraphNode> random_nodes(Random& random) {
    std::vector<GraphNode> nodes(60);
    for (NodeIndex i = 0; i < nodes.size(); ++i) {
        nodes[i].index = i;
        const std::size_t count = i == 0 ? 0 : random.below(4);
        for (std::size_t k = 0; k < count; ++k)
            nodes[i].inputs.push_back(
                static_cast<NodeIndex>(i - 1 - random.below(std::min<NodeIndex>(i, 7))));
    }
    return nodes;
}

/// Returns whether there is a way from one node to another by members alone: by asking every node in turn,
/// until nothing changes.
bool reaches(const std::vector<GraphNode>& nodes, const std::set<NodeIndex>& members, NodeIndex from,
             NodeIndex to) {
    std::set<NodeIndex> reached{from};
    for (bool grew = true; grew;) {
        grew = false;
        for (NodeIndex member : members)
            for (NodeIndex input : nodes[member].inputs)
                if (reached.count(input) != 0 && members.count(input) != 0)
                    grew = reached.insert(member).second || grew;
    }
    return reached.count(to) != 0;
}

}  // namespace

TEST_CASE("graph: a node says what was recorded, and outlives the tape") {
    const Parameter<double> W("W", vector({2, 3}));
    std::uint_least32_t line = 0;
    const Graph graph = [&] {
        Tape<double> tape;
        const LabelScope<double> layer("layer");
        const LabelScope<double> step(3);
        const Var<double> x = input(vector({5, 7})).named("x");
        line = CallSite::current().line() + 1;
        const Var<double> y = sum(x * W, 0, true).named("total");
        detach(y);
        return read_graph(tape);
    }();
    REQUIRE(graph.size() == 5);
    CHECK(graph[0].kind == NodeKind::constant);
    CHECK(graph[0].name == "x");
    CHECK(graph[0].users == Places{2});
    CHECK(graph[1].kind == NodeKind::parameter);
    CHECK(graph[1].name == "W");
    CHECK(graph[2].kind == NodeKind::operation);
    CHECK(graph[2].operation == "multiply");
    CHECK(graph[2].inputs == Places{0, 1});
    CHECK(graph[2].shape == Shape{2});
    CHECK(graph[2].label == "layer/t=3");
    CHECK(graph[2].module == "layer");
    CHECK(graph[2].time_step == std::optional<std::size_t>(3));
    CHECK(graph[2].file == "graph_test.cpp");
    CHECK(graph[2].line == line);
    CHECK(graph[3].arguments == "axis 0");
    CHECK(graph[3].users.empty());
    CHECK(graph[4].kind == NodeKind::detached);
    CHECK(graph[4].inputs.empty());
    CHECK(graph[4].detached_from == std::optional<NodeIndex>(3));
    CHECK(graph.named("total") == Places{3});
    CHECK(graph.named("nobody").empty());
    CHECK(graph.named("").empty());
    CHECK(!graph[2].value.has_value());
    CHECK(!graph[2].cotangent.has_value());
}

TEST_CASE("graph: a parameter belongs to no time step, though one used it first") {
    const Parameter<double> W("W", vector({2}));
    Tape<double> tape;
    const LabelScope<double> layer("layer");
    const LabelScope<double> step(std::size_t{0});
    exp(W);
    const Graph graph = read_graph(tape);
    CHECK(graph[0].label == "layer");
    CHECK(!graph[0].time_step.has_value());
    CHECK(graph[1].time_step == std::optional<std::size_t>(0));
}

TEST_CASE("graph: an operation with several results is a node, and each result another") {
    Tape<double> tape;
    const Var<double> x = input(vector({0.5, 1}));
    const auto [p, q] = map([](auto a) { return std::tuple{tanh(a), a * a}; }, x);
    const Graph graph = read_graph(tape, {.values = true});
    CHECK(graph[1].kind == NodeKind::operation);
    CHECK(graph[1].operation == "map");
    CHECK(!graph[1].value.has_value());
    CHECK(graph[1].users == Places{p.index(), q.index()});
    CHECK(graph[q.index()].kind == NodeKind::result);
    CHECK(graph[q.index()].inputs == Places{1});
    check_close(*graph[q.index()].value, vector({0.25, 1}));
}

TEST_CASE("graph: what is computed while recording is paused is a constant, and keeps no inputs") {
    Tape<double> tape;
    const Var<double> x = input(vector({2}));
    {
        const Paused<double> paused;
        x* x;
    }
    const Graph graph = read_graph(tape);
    CHECK(graph[1].kind == NodeKind::constant);
    CHECK(graph[1].inputs.empty());
    CHECK(graph[0].users.empty());
}

TEST_CASE("graph: an operation that a program calls `parameter` or `constant` is still an operation") {
    const auto rule = [](const auto& g, const auto&, const auto&) { return g; };
    Tape<double> tape;
    const Var<double> x = input(vector({2}));
    custom(
        "parameter", [](const auto& a) { return a * 1; }, rule)(x);
    custom(
        "constant", [](const auto& a) { return a * 1; }, rule)(x);
    const Graph graph = read_graph(tape);
    CHECK(graph[1].kind == NodeKind::operation);
    CHECK(graph[2].kind == NodeKind::operation);
}

TEST_CASE("graph: values and cotangents are those of the tape, parameters included") {
    const Parameter<float> W("W", rounded<float>(vector({2, 3})));
    const Parameter<float> unused("unused", rounded<float>(vector({1})));
    Tape<float> tape;
    const Var<float> x = input(rounded<float>(vector({5, 7})));
    const Var<float> J = sum(x * W * W);
    const Graph all = read_graph(tape, gradient(J, every_node(tape)), {.values = true});
    check_close(*all[0].cotangent, vector({4, 9}));
    check_close(*all[1].cotangent, vector({20, 42}));
    check_close(*all[J.index()].cotangent, tensor({}, {1}));
    check_close(*all[J.index()].value, tensor({}, {83}));
    // By the parameter itself; one that is not on the tape has no node to stand at.
    const Graph some = read_graph(tape, gradient(J, {W, unused}));
    check_close(*some[1].cotangent, vector({20, 42}));
    CHECK(!some[0].cotangent.has_value());
    CHECK(!some[1].value.has_value());
}

TEST_CASE("graph: gradients by a Var of another tape are refused") {
    Tape<double> tape;
    input(vector({1}));
    Tape<double> other;
    const Var<double> y = input(vector({1}));
    const auto g = gradient(sum(y), {y});
    CHECK(text_of<std::logic_error>([&] { read_graph(tape, g); }) ==
          "read_graph: asked for a Var of another tape");
    CHECK(read_graph(other, g)[0].cotangent.has_value());
}

TEST_CASE("graph: slices by label take whole parts of the path") {
    Tape<double> tape;
    const auto record = [](std::string_view outer, std::size_t t, std::string_view inner) {
        const LabelScope<double> layer(outer);
        const LabelScope<double> step(t);
        const LabelScope<double> part(inner);
        return input(vector({1})).index();
    };
    const NodeIndex a = record("encoder", 1, "attention");
    const NodeIndex b = record("encoder", 12, "attention");
    const NodeIndex c = record("encoder2", 1, "attend");
    const Graph graph = read_graph(tape);
    CHECK(indices_of(graph.labelled("encoder")) == Places{a, b});
    CHECK(indices_of(graph.labelled("encoder/t=1")) == Places{a});
    CHECK(indices_of(graph.labelled("t=1")) == Places{a, c});
    CHECK(indices_of(graph.labelled("encoder/attention")) == Places{a, b});
    CHECK(indices_of(graph.labelled("attend")) == Places{c});
    CHECK(graph.labelled("coder").empty());
    CHECK(indices_of(graph.time_steps(1, 12)) == Places{a, c});
    CHECK(indices_of(graph.time_steps(1, 13).labelled("encoder")) == Places{a, b});
}

TEST_CASE("graph: ancestors and descendants, within a slice, are those that a search finds") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const std::vector<GraphNode> nodes = random_nodes(random);
        const Graph whole(nodes);
        std::set<NodeIndex> members;
        for (NodeIndex i = 0; i < nodes.size(); ++i)
            if (random.below(5) != 0) members.insert(i);
        const Graph slice =
            whole.select([&](const GraphNode& node) { return members.count(node.index) != 0; });
        REQUIRE(indices_of(slice) == Places(members.begin(), members.end()));
        const NodeIndex node =
            *std::next(members.begin(), static_cast<std::ptrdiff_t>(random.below(members.size())));
        Places before;
        Places behind;
        std::set<NodeIndex> outside;
        for (NodeIndex other : members) {
            if (reaches(nodes, members, other, node)) before.push_back(other);
            if (reaches(nodes, members, node, other)) behind.push_back(other);
            for (NodeIndex input : nodes[other].inputs)
                if (members.count(input) == 0) outside.insert(input);
        }
        CHECK(indices_of(slice.ancestors(node)) == before);
        CHECK(indices_of(slice.descendants(node)) == behind);
        CHECK(slice.outside() == Places(outside.begin(), outside.end()));
        for (const GraphNode& one : whole)
            for (const GraphNode& other : whole)
                CHECK(std::count(one.users.begin(), one.users.end(), other.index) ==
                      std::min<std::ptrdiff_t>(
                          std::count(other.inputs.begin(), other.inputs.end(), one.index), 1));
    }
}

TEST_CASE("graph: a slice keeps indices, still knows what lies outside, and refuses what is not in it") {
    Tape<double> tape;
    const Var<double> x = input(vector({1})).named("x");
    const LabelScope<double> layer("layer");
    exp(x);
    const Graph slice = read_graph(tape).labelled("layer");
    CHECK(indices_of(slice) == Places{1});
    CHECK(slice.outside() == Places{0});
    CHECK(!slice.contains(0));
    CHECK(slice[0].name == "x");
    CHECK(slice.named("x").empty());
    CHECK(text_of<std::invalid_argument>([&] { slice.ancestors(0); }) ==
          "ancestors: node 0 is not in this graph of 1 nodes");
    CHECK(text_of<std::invalid_argument>([&] { slice.descendants(7); }) ==
          "descendants: node 7 is not in this graph of 1 nodes");
    CHECK(text_of<std::invalid_argument>([&] { slice[7]; }) ==
          "Graph: there is no node 7; the tape had 2 nodes");
    CHECK(Graph().empty());
}

TEST_CASE("graph: nodes that do not stand in order are refused") {
    std::vector<GraphNode> nodes(2);
    CHECK(text_of<std::invalid_argument>([&] { Graph{nodes}; }) ==
          "Graph: node 1 has the index 0; they must count from 0");
    nodes[1].index = 1;
    nodes[0].inputs = {1};
    CHECK(text_of<std::invalid_argument>([&] { Graph{nodes}; }) ==
          "Graph: node 0 has the input 1; an input must stand before its users");
}

TEST_CASE("graph: a long tape is read without recursion, and left as it was") {
    Tape<double> tape;
    Var<double> x = input(vector({1}));
    for (int i = 0; i < 30000; ++i) x = x * 1.0001 + x;
    const std::size_t before = tape.size();
    const Graph graph = read_graph(tape, gradient(sum(x), every_node(tape)), {.values = true});
    CHECK(graph.size() == tape.size());
    CHECK(before + 1 == tape.size());
    CHECK(graph.ancestors(x.index()).size() == before);
    CHECK(graph.descendants(0).size() == 60001 + 1);
}
