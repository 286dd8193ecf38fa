#include <tests/autograd/ops/op_table.hpp>
#include <tests/fuzz/builder.hpp>
#include <tests/fuzz/check.hpp>

#include <autograd/record/defined_operations.hpp>

#include <doctest/doctest.h>

#include <set>

// A sweep may keep a cotangent where it is, share it, or write it where another operation wants it. Whether
// that ever spoils another one depends on how results are shared; so programs are made at random.

using namespace tapeloop;
using namespace tapeloop::test;
using namespace tapeloop::fuzz;

TEST_CASE(
    "random graphs: a gradient does not depend on what else is asked for, and agrees with the recorded one") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        CAPTURE(seed);
        Random random(seed + 1000);
        const fuzz::Program program = make_program(Bytes(seed), true);
        Run<double> run(program, program.leaves());
        Tape<double>& tape = run.tape();
        const auto roots = run.roots(program.roots);
        std::vector<GradientGraphRoot<double>> graph_roots;
        for (const auto& root : roots) graph_roots.push_back({root.value, input(root.cotangent)});

        const std::vector<Wrt<double>> everything = every_node(tape).list();
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

TEST_CASE("random graphs: gradients of both orders agree with differences") {
    Counts counts;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        const fuzz::Program program = make_program(Bytes(seed), true);
        CHECK_NOTHROW_MESSAGE(check_derivatives(program, counts), program.text());
    }
    CHECK(counts["gradient checked"] >= 80);
    CHECK(counts["second order checked"] >= 75);
}

TEST_CASE("random graphs: of all operations of the engine") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        const fuzz::Program program = make_program(Bytes(seed));
        Run<double> run(program, program.leaves());
        for (NodeIndex node = 0; node < run.tape().size(); ++node) {
            const std::string text = run.tape().describe(node);
            seen.insert(text.substr(0, text.find(' ')));
        }
    }
    std::set<std::string_view> tested;
    for (const Row& row : all_rows()) tested.insert(row.name);
    // The others are parts of rules, or not the engine's.
    for (const tapeloop::detail::DefinedOperation& one : tapeloop::detail::defined_operations())
        if (tested.contains(one.name) && one.name != "identity")
            CHECK_MESSAGE(seen.contains(std::string(one.name)), one.name);
}
