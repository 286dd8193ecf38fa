#include <tests/expect.hpp>
#include <tests/fuzz/builder.hpp>
#include <tests/nn/every_cell.hpp>

#include <autograd/map.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/sweep/contributions.hpp>
#include <nn/sequence/lengths.hpp>
#include <nn/sequence/unroll.hpp>

#include <map>

using namespace tapeloop;
using namespace tapeloop::test;

// What the study of a tape asks of the engine.

namespace {

tapeloop::detail::CotangentOf<double> cotangents_of(const Gradients<double>& gradients) {
    std::map<NodeIndex, const Tensor<double>*> places;
    for (std::size_t i = 0; i < gradients.size(); ++i)
        places[gradients.wrt()[i].var().index()] = &gradients.at(i);
    return [places](NodeIndex node) {
        const auto found = places.find(node);
        return found == places.end() ? nullptr : found->second;
    };
}

/// The cotangent of every node: those of the roots, and what all users contribute.
void check_sums(Tape<double>& tape, const std::vector<GradientRoot<double>>& roots) {
    const Gradients<double> gradients = gradient(roots, every_node(tape));
    const tapeloop::detail::CotangentOf<double> cotangent_of = cotangents_of(gradients);
    std::map<NodeIndex, Tensor<double>> sums;
    const auto add = [&](NodeIndex node, const Tensor<double>& more) {
        const auto [found, is_first] = sums.try_emplace(node, more);
        if (!is_first) found->second = Tensor<double>(found->second + more);
    };
    for (const GradientRoot<double>& root : roots) add(root.value.index(), root.cotangent);
    for (NodeIndex node = 0; node < tape.size(); ++node)
        for (const tapeloop::detail::Contribution<double>& one :
             tapeloop::detail::contributions(tape, node, cotangent_of))
            add(one.input, one.cotangent);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        const NodeIndex node = gradients.wrt()[i].var().index();
        const auto found = sums.find(node);
        const Tensor<double> sum = found == sums.end() ? filled(tape.node(node).shape, 0) : found->second;
        const std::string problem = difference(sum, gradients.at(i), 1e-12);
        CHECK_MESSAGE(problem.empty(), tape.describe(node), ": ", problem);
    }
}

/// Runs a layer as `options` say; the roots are its outputs and its last state.
struct Unrolling {
    Tape<double> tape;
    std::vector<GradientRoot<double>> roots;
    Tensors results;
    Tensors gradients;

    Unrolling(nn::AnyLayer<double>& layer, const Tensor<double>& x, const nn::UnrollOptions& options,
              bool fuse)
        : tape({.fuse = fuse}) {
        const Var<double> sequence = input(x);
        WrtList<double> wrt{sequence};
        for (const auto& entry : layer.parameters()) wrt.add(*entry.parameter);
        const auto unrolled = nn::unroll(layer, sequence, options);
        Random random("cotangents");
        const auto root = [&](const Var<double>& result) {
            results.push_back(result.value());
            roots.push_back({result, random.tensor(result.shape())});
        };
        root(unrolled.outputs);
        nn::for_each_part(root, unrolled.state);
        for (const Tensor<double>& g : gradient(roots, wrt)) gradients.push_back(g);
    }
};

void check_same(const Tensors& actual, const Tensors& expected) {
    REQUIRE(actual.size() == expected.size());
    for (std::size_t k = 0; k < actual.size(); ++k) {
        CAPTURE(k);
        check_close(actual[k], expected[k], 1e-12);  // sums of all steps at once are in another order
    }
}

const std::vector<nn::UnrollOptions>& ways_to_read() {
    static const std::vector<nn::UnrollOptions> ways{
        {}, {.reverse = true}, {.lengths = {2, 5}}, {.reverse = true, .lengths = {0, 3}}};
    return ways;
}

/// Returns how often each parameter is used by a node of which time step.
std::map<std::string, std::map<std::size_t, std::size_t>> uses_by_step(const Tape<double>& tape) {
    std::map<std::string, std::map<std::size_t, std::size_t>> uses;
    for (NodeIndex node = 0; node < tape.size(); ++node)
        for (NodeIndex input : tape.inputs(node))
            if (tape.parameter(input) != nullptr && tape.time_step(node).has_value())
                ++uses[tape.name(input)][*tape.time_step(node)];
    return uses;
}

}  // namespace

TEST_CASE("contributions: those of all users add up to the cotangent, in random programs") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        const fuzz::Program program = fuzz::make_program(fuzz::Bytes(seed), true);
        fuzz::Run<double> run(program, program.leaves());
        check_sums(run.tape(), run.roots(program.roots));
    }
}

TEST_CASE("contributions: those of all users add up to the cotangent, in every cell") {
    nn::Generator generator(3);
    for (NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        Random random(cell.name);
        for (bool fuse : {true, false}) {
            Unrolling run(cell.layer, random.tensor({3, 2, 4}), {.hoist = fuse}, fuse);
            check_sums(run.tape, run.roots);
        }
    }
}

TEST_CASE("contributions: an input that is used twice by one node gets one, of both uses") {
    Tape<double> tape;
    const Var<double> x = input(vector({2, 3}));
    const Var<double> y = x * x;
    const Tensor<double> ones = filled({2}, 1);
    const auto of_y = [&](NodeIndex node) { return node == y.index() ? &ones : nullptr; };
    const auto all = tapeloop::detail::contributions<double>(tape, y.index(), of_y);
    REQUIRE(all.size() == 1);
    CHECK(all[0].input == x.index());
    check_close(all[0].cotangent, vector({4, 6}));
}

TEST_CASE("contributions: only to the inputs that are wanted, and none where no cotangent arrives") {
    Tape<double> tape;
    const Var<double> a = input(tensor({2, 2}, {1, 2, 3, 4}));
    const Var<double> b = input(tensor({2, 2}, {5, 6, 7, 8}));
    const Var<double> y = matmul(a, b);
    const Tensor<double> ones = filled({2, 2}, 1);
    const auto of_y = [&](NodeIndex node) { return node == y.index() ? &ones : nullptr; };
    CHECK(tapeloop::detail::contributions<double>(tape, y.index(), of_y).size() == 2);
    const auto to_b = tapeloop::detail::contributions<double>(tape, y.index(), of_y, {b.index()});
    REQUIRE(to_b.size() == 1);
    CHECK(to_b[0].input == b.index());
    check_close(to_b[0].cotangent, tensor({2, 2}, {4, 4, 6, 6}));
    const auto of_none = [](NodeIndex) -> const Tensor<double>* { return nullptr; };
    CHECK(tapeloop::detail::contributions<double>(tape, y.index(), of_none).empty());
    CHECK(tapeloop::detail::contributions<double>(tape, a.index(), of_y).empty());
}

TEST_CASE("contributions: of several results, those with a cotangent count, and the maker hands on for all") {
    Tape<double> tape;
    const Var<double> x = input(vector({2, 3}));
    const auto [p, q] = map([](auto v) { return std::tuple{v * v, 5 * v}; }, x);
    const Tensor<double> ones = filled({2}, 1);
    const auto of_q = [&, at = q.index()](NodeIndex node) { return node == at ? &ones : nullptr; };
    const auto of_both = [&, from = p.index()](NodeIndex node) { return node >= from ? &ones : nullptr; };
    const NodeIndex maker = p.index() - 1;
    check_close(tapeloop::detail::contributions<double>(tape, maker, of_q).at(0).cotangent, vector({5, 5}));
    check_close(tapeloop::detail::contributions<double>(tape, maker, of_both).at(0).cotangent,
                vector({9, 11}));
    CHECK(tapeloop::detail::contributions<double>(tape, q.index(), of_q).empty());
}

TEST_CASE("every_node: names each node with a value once, in order") {
    Tape<double> tape;
    const Parameter<double> W("W", vector({2}));
    const Var<double> x = input(vector({1, 2}));
    const auto [p, q] = map([](auto v) { return std::tuple{v * v, 5 * v}; }, x * W);
    std::vector<NodeIndex> nodes;
    const WrtList<double> every = every_node(tape);
    for (const Wrt<double>& wrt : every.list()) nodes.push_back(wrt.var().index());
    CHECK(nodes == std::vector<NodeIndex>{0, 1, 2, 4, 5});
    const auto all = gradient(sum(p + q), every_node(tape));
    check_close(all[x], gradient(sum(p + q), {x})[x]);
    check_close(all[tape.var(1)], gradient(sum(p + q), {W})[W]);
}

TEST_CASE("unroll: without hoisting, values and gradients are the same") {
    nn::Generator generator(4);
    for (NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        Random random(cell.name);
        const Tensor<double> x = random.tensor({5, 2, 4});
        for (const nn::UnrollOptions& way : ways_to_read()) {
            for (bool fuse : {true, false}) {
                CAPTURE(way.reverse);
                CAPTURE(way.lengths.size());
                CAPTURE(fuse);
                nn::UnrollOptions stepwise = way;
                stepwise.hoist = false;
                const Unrolling usual(cell.layer, x, way, fuse);
                const Unrolling unhoisted(cell.layer, x, stepwise, fuse);
                check_same(unhoisted.results, usual.results);
                check_same(unhoisted.gradients, usual.gradients);
            }
        }
    }
}

TEST_CASE("unroll: without hoisting, no time steps and no rows give what they give with it") {
    nn::Generator generator(4);
    for (NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        for (const Shape& shape : {Shape{0, 2, 4}, Shape{3, 0, 4}}) {
            const Unrolling usual(cell.layer, filled(shape, 0), {}, true);
            const Unrolling unhoisted(cell.layer, filled(shape, 0), {.hoist = false}, true);
            check_same(unhoisted.results, usual.results);
            check_same(unhoisted.gradients, usual.gradients);
        }
    }
}

TEST_CASE("unroll: without hoisting, every step uses every recurrent weight, at its own time step") {
    nn::Generator generator(4);
    for (NamedLayer& cell : every_cell(generator)) {
        CAPTURE(cell.name);
        const Unrolling run(cell.layer, filled({5, 2, 4}, 0.1), {.hoist = false}, true);
        const auto uses = uses_by_step(run.tape);
        for (const auto& entry : cell.layer.parameters()) {
            const std::string& name = entry.parameter->name();
            CAPTURE(entry.path);
            // What belongs to no step: a Linear, how an attention prepares its source, A, and of an LRU
            // all but D.
            if (contains(entry.path, "linear") || (cell.name == "attention" && uses.count(name) == 0) ||
                name == "A_log" || (cell.name == "LRU" && name != "D"))
                continue;
            REQUIRE(uses.count(name) == 1);
            const auto& steps = uses.at(name);
            CHECK(steps.size() == 5);
            for (const auto& [step, count] : steps) CHECK(count == steps.at(0));
        }
    }
}

TEST_CASE("tape: a node knows its module and its innermost time step") {
    Tape<double> tape;
    const auto record = [] { return input(vector({1})).index(); };
    CHECK(tape.module(record()).empty());
    CHECK(!tape.time_step(record()).has_value());
    const LabelScope<double> decoder("decoder");
    const LabelScope<double> outer(7);
    CHECK(tape.module(record()) == "decoder");
    const LabelScope<double> attention("attention");
    CHECK(tape.module(record()) == "decoder/attention");
    CHECK(tape.time_step(record()) == std::optional<std::size_t>(7));
    const LabelScope<double> inner(2);
    CHECK(tape.time_step(record()) == std::optional<std::size_t>(2));
    CHECK(tape.label(record()) == "decoder/t=7/attention/t=2");
}

TEST_CASE("tape: a parameter's leaf and the source of a detach can be asked for") {
    const Parameter<double> W("W", vector({2}));
    Tape<double> tape;
    const Var<double> y = exp(W);
    const Var<double> cut = detach(y);
    CHECK(tape.parameter(0).get() == W.storage().get());
    CHECK(tape.parameter(y.index()) == nullptr);
    CHECK(tape.detached_from(cut.index()) == std::optional<NodeIndex>(y.index()));
    CHECK(!tape.detached_from(y.index()).has_value());
}

TEST_CASE("tape: operations say what they were called with") {
    Tape<double> tape;
    const Var<double> x = input(tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
    const auto arguments = [&](const Var<double>& y) { return tape.node(y.index()).operation->arguments(); };
    CHECK(arguments(exp(x)).empty());
    CHECK(arguments(sum(x)).empty());
    CHECK(arguments(sum(x, 1)) == "axis 1");
    CHECK(arguments(sum(x, {0, 1})) == "axes 0, 1");
    CHECK(arguments(softmax(x, -1)) == "axis -1");
    CHECK(arguments(slice(x, 1, 0, 2)) == "axis 1, 0 to 2");
    CHECK(arguments(slice(x, 1, 0, 3, 2)) == "axis 1, 0 to 3 by 2");
    CHECK(arguments(transpose(x)).empty());
    CHECK(arguments(transpose(x, {1, 0})) == "axes 1, 0");
    CHECK(arguments(flip(x, 0)) == "axis 0");
    CHECK(arguments(matmul(x, x, {false, true})) == "b transposed");
    CHECK(arguments(matmul(x, x, {true, false})) == "a transposed");
    CHECK(arguments(concatenate({x, x}, 1)) == "axis 1");
    CHECK(arguments(stack({x, x})) == "axis 0");
}
