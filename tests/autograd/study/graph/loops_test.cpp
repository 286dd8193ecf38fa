#include <tests/expect.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/study/graph/loops.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// How many steps each loop has, when one cell reads sequences of these lengths one after another.
std::vector<std::size_t> loops_of(const std::vector<std::size_t>& lengths) {
    nn::Generator generator(1);
    const nn::ElmanCell<double> cell(2, 3, generator);
    Tape<double> tape;
    for (std::size_t length : lengths) nn::unroll(cell, Random(1).tensor({length, 1, 2}));
    const tapeloop::detail::TimeLoops of_tape = tapeloop::detail::find_loops(tape);
    const tapeloop::detail::TimeLoops of_graph = tapeloop::detail::find_loops(read_graph(tape));
    std::vector<std::size_t> steps;
    for (std::size_t k = 0; k < of_tape.loops.size(); ++k) {
        steps.push_back(of_tape.loops[k].time_steps.size());
        CHECK(of_graph.loops.at(k).time_steps == of_tape.loops[k].time_steps);
    }
    // Every node of a later loop is of a later place, and each loop has nodes.
    std::size_t last = 0;
    for (const auto& [node, place] : of_tape.places) {
        CHECK(place.loop >= last);
        last = place.loop;
        CHECK(of_graph.places.at(node).loop == place.loop);
    }
    CHECK(last + 1 == of_tape.loops.size());
    return steps;
}

}  // namespace

TEST_CASE("loops: a loop of one step is not the beginning of the next one") {
    using Lengths = std::vector<std::size_t>;
    CHECK(loops_of({1, 4}) == Lengths{1, 4});
    CHECK(loops_of({1, 1, 3}) == Lengths{1, 1, 3});
    CHECK(loops_of({1, 1}) == Lengths{1, 1});
    CHECK(loops_of({3, 1, 2}) == Lengths{3, 1, 2});
    CHECK(loops_of({2, 2}) == Lengths{2, 2});
    CHECK(loops_of({1}) == Lengths{1});
}

TEST_CASE("loops: a step that is labelled in parts stays one, though it has a single one") {
    Tape<double> tape;
    Var<double> x = input(vector({1, 2}));
    const auto part = [&](std::size_t t, const auto& f) {
        const LabelScope<double> step(t);
        x = f(x);
    };
    for (std::size_t t = 0; t < 2; ++t) {
        part(t, [](const Var<double>& y) { return tanh(y); });
        x = x * 2.0;
        part(t, [](const Var<double>& y) { return sigmoid(y); });
        x = x * 3.0;
        CHECK(tapeloop::detail::find_loops(tape).loops.size() == 1);
    }
}
