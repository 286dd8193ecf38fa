#include <tests/expect.hpp>
#include <tests/nn/every_cell.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/study/graph/fold.hpp>
#include <autograd/study/graph/text.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/sequence/unroll.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using Steps = std::vector<std::size_t>;

Steps steps_from(std::size_t first, std::size_t count) {
    Steps steps(count);
    std::iota(steps.begin(), steps.end(), first);
    return steps;
}

const FoldedNode& folded_node_of(const FoldedGraph& folded, NodeIndex index) {
    const auto found = std::find_if(folded.nodes.begin(), folded.nodes.end(), [&](const FoldedNode& node) {
        return std::find(node.members.begin(), node.members.end(), index) != node.members.end();
    });
    REQUIRE(found != folded.nodes.end());
    return *found;
}

std::size_t count_recurrent(const FoldedGraph& folded) {
    std::size_t count = 0;
    for (const FoldedNode& node : folded.nodes)
        for (const FoldedInput& input : node.inputs) count += input.delay != 0 ? 1 : 0;
    return count;
}

/// Returns where the steps of a loop stand in the order in which they ran.
std::ptrdiff_t order_in(const FoldedLoop& loop, std::size_t time_step) {
    return std::find(loop.time_steps.begin(), loop.time_steps.end(), time_step) - loop.time_steps.begin();
}

/// Every node stands in one folded node, whose members are alike; and every edge is one of the folded edges,
/// with the right delay and step.
void check_faithful(const FoldedGraph& folded) {
    std::map<NodeIndex, std::size_t> place;
    for (std::size_t i = 0; i < folded.nodes.size(); ++i)
        for (NodeIndex member : folded.nodes[i].members) {
            CHECK(place.emplace(member, i).second);
            const GraphNode& one = folded.graph[member];
            const GraphNode& other = folded.graph[folded.nodes[i].index];
            CHECK(one.operation == other.operation);
            CHECK((one.shape.rank() == 0 ? one.shape == other.shape
                                         : one.shape.with(0, 0) == other.shape.with(0, 0)));
            CHECK(one.module == other.module);
        }
    std::map<std::tuple<std::size_t, std::size_t, std::ptrdiff_t>, std::multiset<std::size_t>> expected;
    for (const GraphNode& node : folded.graph) {
        REQUIRE(place.count(node.index) == 1);
        const FoldedNode& user = folded.nodes[place[node.index]];
        std::vector<NodeIndex> sources = node.inputs;
        if (node.detached_from.has_value()) sources.push_back(*node.detached_from);
        for (NodeIndex input : sources) {
            REQUIRE(place.count(input) == 1);
            const FoldedNode& source = folded.nodes[place[input]];
            std::ptrdiff_t delay = 0;
            if (user.loop.has_value() && user.loop == source.loop)
                delay = order_in(folded.loops[*user.loop], *node.time_step) -
                        order_in(folded.loops[*user.loop], *folded.graph[input].time_step);
            if (node.time_step.has_value())
                expected[{place[node.index], place[input], delay}].insert(*node.time_step);
            else if (folded.graph[input].time_step.has_value())
                expected[{place[node.index], place[input], delay}].insert(*folded.graph[input].time_step);
            else
                expected[{place[node.index], place[input], delay}];
        }
    }
    std::map<std::tuple<std::size_t, std::size_t, std::ptrdiff_t>, std::multiset<std::size_t>> actual;
    for (std::size_t i = 0; i < folded.nodes.size(); ++i)
        for (const FoldedInput& input : folded.nodes[i].inputs) {
            auto& steps = actual[{i, input.from, input.delay}];
            const bool has_step =
                folded.nodes[i].loop.has_value() || folded.nodes[input.from].loop.has_value();
            if (has_step) steps.insert(input.time_steps.begin(), input.time_steps.end());
        }
    CHECK(actual == expected);
}

/// Nodes, edges and recurrent edges, to compare two foldings.
std::vector<std::size_t> sizes(const FoldedGraph& folded) {
    std::size_t edges = 0;
    for (const FoldedNode& node : folded.nodes) edges += node.inputs.size();
    return {folded.nodes.size(), edges, count_recurrent(folded), folded.loops.size()};
}

FoldedGraph fold_layer(const nn::AnyLayer<double>& layer, std::size_t time_steps,
                       const nn::UnrollOptions& options, bool fuse) {
    Tape<double> tape({.fuse = fuse});
    nn::unroll(layer, filled({time_steps, 2, 4}, 0.1), options);
    return fold(read_graph(tape));
}

}  // namespace

TEST_CASE("fold: an Elman cell is its step, with one recurrent edge") {
    nn::Generator generator(1);
    const nn::ElmanCell<double> cell(3, 4, generator);
    Tape<double> tape;
    nn::unroll(cell, input(filled({20, 2, 3}, 0.1)).named("x"));
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    REQUIRE(folded.loops.size() == 1);
    CHECK(folded.loops[0].label.empty());
    CHECK(folded.loops[0].time_steps == steps_from(0, 20));
    CHECK(folded.loops[0].odd_steps.empty());
    // x, h(0), U, b, x U + b, its rows, W; h W + u, tanh; all h.
    std::vector<std::string> operations;
    for (const FoldedNode& node : folded.nodes) operations.push_back(folded.graph[node.index].operation);
    CHECK(operations == std::vector<std::string>{"constant", "constant", "parameter", "parameter", "affine",
                                                 "unstack", "result", "parameter", "affine", "tanh",
                                                 "stack"});
    const FoldedNode& sum = folded.nodes[8];
    REQUIRE(sum.inputs.size() == 4);
    CHECK(sum.members.size() == 20);
    CHECK(sum.inputs[0].from == 9);
    CHECK(sum.inputs[0].delay == 1);
    CHECK(sum.inputs[0].time_steps == steps_from(1, 19));
    CHECK(sum.inputs[1].from == 1);
    CHECK(sum.inputs[1].argument == 0);
    CHECK(sum.inputs[1].delay == 0);
    CHECK(sum.inputs[1].time_steps == Steps{0});
    CHECK(sum.inputs[2].from == 7);
    CHECK(sum.inputs[2].time_steps == steps_from(0, 20));
    CHECK(sum.inputs[3].from == 6);
    CHECK(folded.nodes[6].members.size() == 20);
    CHECK(!folded.nodes[6].loop.has_value());
    REQUIRE(folded.nodes[10].inputs.size() == 1);
    CHECK(folded.nodes[10].inputs[0].time_steps == steps_from(0, 20));
    CHECK(count_recurrent(folded) == 1);
}

TEST_CASE("fold: every cell is as large for 6 steps as for 17, and its edges are those of the tape") {
    nn::Generator generator(2);
    for (const NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        for (bool fuse : {true, false}) {
            for (bool hoist : {true, false}) {
                for (bool reverse : {true, false}) {
                    CAPTURE(fuse);
                    CAPTURE(hoist);
                    CAPTURE(reverse);
                    const nn::UnrollOptions options{.hoist = hoist, .reverse = reverse};
                    const FoldedGraph few = fold_layer(cell.layer, 6, options, fuse);
                    const FoldedGraph many = fold_layer(cell.layer, 17, options, fuse);
                    check_faithful(few);
                    check_faithful(many);
                    CHECK(sizes(few) == sizes(many));
                    CHECK((count_recurrent(many) > 0) == !(cell.is_linear && hoist));
                    for (const FoldedLoop& loop : many.loops) CHECK(loop.odd_steps.empty());
                    for (const FoldedNode& node : many.nodes)
                        if (node.loop.has_value()) CHECK(node.members.size() == 17);
                }
            }
        }
    }
}

TEST_CASE("fold: no steps and a single step stay as they are") {
    nn::Generator generator(2);
    for (const NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        for (std::size_t time_steps = 0; time_steps < 2; ++time_steps) {
            const FoldedGraph folded = fold_layer(cell.layer, time_steps, {}, false);
            check_faithful(folded);
            CHECK(folded.nodes.size() == folded.graph.size());
            CHECK(count_recurrent(folded) == 0);
        }
    }
}

TEST_CASE("fold: steps at which rows have ended are told from the others") {
    nn::Generator generator(2);
    for (const NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        for (bool reverse : {true, false}) {
            CAPTURE(reverse);
            const nn::UnrollOptions options{.reverse = reverse, .lengths = {10, 7}};
            const FoldedGraph folded = fold_layer(cell.layer, 12, options, true);
            check_faithful(folded);
            CHECK(folded.loops.empty() == cell.is_linear);
            for (const FoldedLoop& loop : folded.loops) {
                CHECK(loop.time_steps.size() == 10);
                CHECK(loop.odd_steps == [&] {
                    // Read backwards, the step at which a row comes in gathers the states, too.
                    return loop.time_steps.front() != 0 ? Steps{9, 8, 7, 6} : Steps{7, 8, 9};
                }());
            }
            // The nodes that all steps have stay one, also where there are fewer rows; what gathers stands
            // alone.
            for (const FoldedNode& node : folded.nodes)
                if (node.loop.has_value()) CHECK((node.members.size() == 10 || node.members.size() <= 3));
        }
    }
}

TEST_CASE(
    "fold: a program's own loop, whose first step has no state, keeps the products of x and of h apart") {
    const Parameter<double> U("U", filled({4, 4}, 0.1));
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    Tape<double> tape;
    const Var<double> x = input(filled({9, 2, 4}, 1)).named("x");
    Var<double> h;
    for (std::size_t t = 0; t < 9; ++t) {
        const LabelScope<double> step(t);
        const auto at = static_cast<std::ptrdiff_t>(t);
        const Var<double> now = reshape(slice(x, 0, at, at + 1), {2, 4});
        h = t == 0 ? tanh(matmul(now, U)) : tanh(matmul(h, W) + matmul(now, U));
        h.named("h");
    }
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    REQUIRE(folded.loops.size() == 1);
    CHECK(folded.loops[0].odd_steps == Steps{0});
    const FoldedNode& last = folded_node_of(folded, h.index());
    CHECK(last.members.size() == 9);
    std::map<std::string, std::size_t> product_sizes;
    for (const FoldedNode& node : folded.nodes)
        if (folded.graph[node.index].operation == "matmul")
            product_sizes[folded.graph[folded.nodes[node.inputs.back().from].index].name] =
                node.members.size();
    CHECK(product_sizes == std::map<std::string, std::size_t>{{"U", 9}, {"W", 8}});
    CHECK(count_recurrent(folded) == 1);
    // The slices of x differ in what they take, and are one node.
    for (const FoldedNode& node : folded.nodes)
        if (folded.graph[node.index].operation == "slice") CHECK(node.members.size() == 9);
}

TEST_CASE("fold: loops under one label are told apart by the order of their steps") {
    nn::Generator generator(1);
    const nn::ElmanCell<double> ahead(3, 4, generator);
    const nn::ElmanCell<double> back(3, 4, generator);
    Tape<double> tape;
    const Tensor<double> x = filled({6, 2, 3}, 0.1);
    const auto first = nn::unroll(ahead, x);
    nn::unroll(back, x, {.reverse = true});
    nn::unroll(ahead, x, first.state);
    nn::unroll(back, filled({9, 2, 3}, 0.1), {.reverse = true});
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    REQUIRE(folded.loops.size() == 4);
    CHECK(folded.loops[0].time_steps == steps_from(0, 6));
    CHECK(folded.loops[1].time_steps == Steps{5, 4, 3, 2, 1, 0});
    CHECK(folded.loops[2].time_steps == steps_from(0, 6));
    CHECK(folded.loops[3].time_steps == Steps{8, 7, 6, 5, 4, 3, 2, 1, 0});
    CHECK(count_recurrent(folded) == 4);
}

TEST_CASE("fold: a step that is labelled in parts is one step") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    Tape<double> tape;
    Var<double> h = input(filled({2, 4}, 1));
    Var<double> J = input(filled({}, 0));
    for (std::size_t t = 0; t < 7; ++t) {
        {
            const LabelScope<double> step(t);
            h = tanh(matmul(h, W));
        }
        const Var<double> between = h * 2;
        const LabelScope<double> step(t);
        J = J + sum(between);
    }
    const FoldedGraph folded = fold(read_graph(tape));
    REQUIRE(folded.loops.size() == 1);
    CHECK(folded.loops[0].time_steps == steps_from(0, 7));
    CHECK(folded.loops[0].odd_steps.empty());
    check_faithful(folded);
    CHECK(folded_node_of(folded, h.index()).members.size() == 7);
    CHECK(folded_node_of(folded, J.index()).members.size() == 7);
}

TEST_CASE("fold: a parameter that enters in the midst of a later step does not end the loop") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    const Parameter<double> late("late", filled({4}, 0.2));
    Tape<double> tape;
    Var<double> h = input(filled({2, 4}, 1));
    for (std::size_t t = 0; t < 7; ++t) {
        const LabelScope<double> step(t);
        h = matmul(h, W);
        if (t >= 3) h = h + late;
        h = tanh(h);
    }
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    REQUIRE(folded.loops.size() == 1);
    CHECK(folded.loops[0].odd_steps == Steps{0, 1, 2});
    CHECK(folded_node_of(folded, h.index()).members.size() == 7);
}

TEST_CASE("fold: edges of several delays are several edges") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    Tape<double> tape;
    Var<double> h = input(filled({2, 4}, 1));
    Var<double> before = h;
    for (std::size_t t = 0; t < 9; ++t) {
        const LabelScope<double> step(t);
        const Var<double> read = t % 3 == 2 ? before : h;
        before = h;
        h = tanh(matmul(read, W));
    }
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    CHECK(count_recurrent(folded) == 2);
    const FoldedNode& product = folded.nodes[folded_node_of(folded, h.index()).inputs[0].from];
    REQUIRE(product.inputs.size() == 4);
    CHECK(product.inputs[0].delay == 1);
    CHECK(product.inputs[0].time_steps == Steps{1, 3, 4, 6, 7});
    CHECK(product.inputs[1].delay == 2);
    CHECK(product.inputs[1].time_steps == Steps{2, 5, 8});
}

TEST_CASE("fold: rows of a sequence that nobody reads are folded with the others") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    Tape<double> tape;
    const std::vector<Var<double>> rows = unstack(input(filled({9, 2, 4}, 1)));
    Var<double> h = rows[0];
    for (std::size_t t = 1; t < 6; ++t) {
        const LabelScope<double> step(t);
        h = tanh(matmul(h, W) + rows[t]);
    }
    const FoldedGraph folded = fold(read_graph(tape));
    check_faithful(folded);
    CHECK(folded_node_of(folded, rows[8].index()).members.size() == 8);
    CHECK(folded_node_of(folded, rows[0].index()).members.size() == 1);
    // Of a slice without most of them.
    const NodeIndex last = rows[8].index();
    const Graph some = folded.graph.select([&](const GraphNode& node) { return node.index + 2 > last; });
    check_faithful(fold(some.descendants(last)));
}

TEST_CASE(
    "fold: layers that take turns are loops of their own, with edges within the step and from the one "
    "before") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    const Parameter<double> V("V", filled({4, 4}, 0.2));
    Tape<double> tape;
    Var<double> low = input(filled({2, 4}, 1));
    Var<double> high = input(filled({2, 4}, 1));
    for (std::size_t t = 0; t < 7; ++t) {
        const Var<double> high_before = high;
        {
            const LabelScope<double> layer("low");
            const LabelScope<double> step(t);
            low = tanh(matmul(low, W) + high_before);
        }
        const LabelScope<double> layer("high");
        const LabelScope<double> step(t);
        high = tanh(matmul(high, V) + low);
    }
    const FoldedGraph folded = fold(read_graph(tape));
    REQUIRE(folded.loops.size() == 2);
    CHECK(folded.loops[0].label == "low");
    CHECK(folded.loops[1].label == "high");
    CHECK(count_recurrent(folded) == 3);
    const FoldedNode& up = folded.nodes[folded_node_of(folded, high.index()).inputs[0].from];
    const FoldedInput& from_low = up.inputs.back();
    CHECK(folded.nodes[from_low.from].members.back() == low.index());
    CHECK(from_low.delay == 0);
}

TEST_CASE("fold: what is made for each step ahead of the loop is folded, a chain of it as a whole") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    const auto record = [&](std::size_t time_steps) {
        Tape<double> tape;
        std::vector<Var<double>> ready;
        for (std::size_t t = 0; t < time_steps; ++t)
            ready.push_back(exp(input(filled({2, 4}, static_cast<double>(t)))));
        Var<double> h = tanh(input(filled({2, 4}, 1)));
        for (std::size_t t = 0; t < time_steps; ++t) {
            const LabelScope<double> step(t);
            h = tanh(matmul(h, W) + ready[t]);
        }
        return fold(read_graph(tape));
    };
    const FoldedGraph folded = record(8);
    check_faithful(folded);
    CHECK(sizes(folded) == sizes(record(20)));
    // constant, exp; h(0) of two; W; matmul, add, tanh.
    CHECK(folded.nodes.size() == 8);
}

TEST_CASE("fold: detached edges are kept, and marked") {
    const Parameter<double> W("W", filled({4, 4}, 0.2));
    Tape<double> tape;
    Var<double> h = input(filled({2, 4}, 1));
    for (std::size_t t = 0; t < 7; ++t) {
        const LabelScope<double> step(t);
        h = tanh(matmul(detach(h), W));
    }
    const FoldedGraph folded = fold(read_graph(tape));
    std::size_t detached = 0;
    for (const FoldedNode& node : folded.nodes)
        for (const FoldedInput& input : node.inputs)
            if (input.detached && input.delay == 1) {
                ++detached;
                CHECK(folded.graph[node.index].kind == NodeKind::detached);
                CHECK(input.time_steps == steps_from(1, 6));
            }
    CHECK(detached == 1);
}

TEST_CASE("fold: a slice is folded alone, and what lies outside of it has no inputs") {
    nn::Generator generator(2);
    const std::vector<NamedLayer> cells = every_cell(generator);
    Tape<double> tape;
    nn::unroll(cells.back().layer, filled({9, 2, 4}, 0.1));
    const Graph whole = read_graph(tape);
    const Graph slice = whole.labelled("decoder").time_steps(3, 9);
    const FoldedGraph folded = fold(slice);
    REQUIRE(folded.loops.size() == 1);
    CHECK(folded.loops[0].label == "decoder");
    CHECK(folded.loops[0].time_steps == steps_from(3, 6));
    std::size_t members = 0;
    for (const FoldedNode& node : folded.nodes) {
        members += node.members.size();
        if (!slice.contains(node.index)) CHECK(node.inputs.empty());
    }
    CHECK(members == slice.size() + slice.outside().size());
    CHECK(count_recurrent(folded) > 0);
}

TEST_CASE("fold: a long loop takes no recursion and no square of its length") {
    Tape<double> tape;
    Var<double> h = input(filled({1}, 1));
    std::vector<Var<double>> all;
    for (std::size_t t = 0; t < 20000; ++t) {
        const LabelScope<double> step(t);
        h = tanh(h * 1.1);
        all.push_back(h);
    }
    Operands<double> parts(std::move(all), CallSite::current());
    stack(parts);
    const FoldedGraph folded = fold(read_graph(tape));
    CHECK(folded.nodes.size() == 5);
    CHECK(!to_text(folded).empty());
}
