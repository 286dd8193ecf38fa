#include <tests/fuzz/check.hpp>
#include <tests/fuzz/finding.hpp>
#include <tests/fuzz/run.hpp>

#include <autograd/program.hpp>
#include <autograd/watch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tapeloop::fuzz {
namespace {

Tensors gradients(Run<double>& run, const Program& program) {
    const Gradients<double> all = gradient(run.loss(program.roots), run.wrt());
    return {all.begin(), all.end()};
}

void require_same(const Tensors& actual, const Tensors& expected, const std::string& what) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::string problem = test::difference_in_bits(actual[i], expected[i]);
        if (!problem.empty()) throw Finding(fmt::format("{} {}: {}", what, i, problem));
    }
}

void require_near(const Tensors& actual, const Tensors& expected, const std::string& what) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::string problem = test::difference(actual[i], expected[i], 1e-9, 1);
        if (!problem.empty()) throw Finding(fmt::format("{} {}: {}", what, i, problem));
    }
}

void check_watched(const Program& program, const Tensors& values, const Tensors& expected, Counts& counts) {
    bool is_forward = true;
    try {
        Run<double> watched(program, program.leaves(), {.watch = true});
        require_same(watched.values(), values, "watched, value");
        is_forward = false;
        require_same(gradients(watched, program), expected, "watched, gradient");
        counts.add("run under a watch");
    } catch (const NonFinite& error) {
        const bool may_hide = std::any_of(program.lines.begin(), program.lines.end(),
                                          [](const Line& line) { return line.call.is_composed; });
        if (is_forward && !may_hide && is_finite(values))
            throw Finding(fmt::format("all values are finite, and a watch says: {}", error.what()));
        counts.add("run under a watch, which stopped it");
    }
}

void check_unfused(const Program& program, const Tensors& values, const Tensors& expected, Counts& counts) {
    Run<double> unfused(program, program.leaves(), {.fuse = false});
    require_same(unfused.values(), values, "without fusion, value");
    if (is_finite(values) && is_finite(expected))
        require_near(gradients(unfused, program), expected, "without fusion, gradient");
    counts.add("run without fusion");
}

/// Only some values kept, and the others computed again when the gradient comes to them.
void check_recomputed(const Program& program, const Tensors& values, const Tensors& expected,
                      Counts& counts) {
    for (const std::size_t lines : {1U, 3U}) {
        Run<double> recomputed(program, lines);
        require_same(recomputed.values(), values, "recomputed, value");
        require_same(gradients(recomputed, program), expected, "recomputed, gradient");
        counts.add("run with values that are computed again");
    }
}

/// The leaves of a program, those moved that can be given other values.
Tensors moved_leaves(const Program& program) {
    Tensors leaves = program.leaves();
    std::size_t leaf = 0;
    for (const Line& line : program.lines) {
        if (!line.leaf) continue;
        if (line.leaf->kind == LeafKind::input || line.leaf->kind == LeafKind::parameter)
            leaves[leaf] = leaves[leaf] * 0.75 + 0.1;
        ++leaf;
    }
    return leaves;
}

/// Recorded at other values, and run at the program's.
void check_run_again(const Program& program, const Tensors& values, const Tensors& expected, Counts& counts) {
    Run<double> run(program, moved_leaves(program));
    const Var<double> J = run.loss(program.roots);
    std::optional<tapeloop::Program<double>> again;
    try {
        again.emplace(J, run.wrt());
    } catch (const std::logic_error&) {
        return counts.add("refused as a recording that runs again");
    }
    std::size_t leaf = 0;
    Id id = 0;
    const Tensors leaves = program.leaves();
    for (const Line& line : program.lines) {
        if (line.leaf) {
            if (line.leaf->kind == LeafKind::input) again->set(*run[id].var, leaves[leaf]);
            if (line.leaf->kind == LeafKind::parameter) run.parameter(id).assign(leaves[leaf]);
            ++leaf;
        }
        id += line.leaf ? 1 : line.results;
    }
    for (int turn = 0; turn < 2; ++turn) {
        const TapeStatistics before = run.tape().statistics();
        again->run();
        require_same(run.values(), values, "run again as a program, value");
        const Gradients<double>& all = again->gradients();
        require_same({all.begin(), all.end()}, expected, "run again as a program, gradient");
        const TapeStatistics after = run.tape().statistics();
        if (after.nodes != before.nodes || after.value_bytes != before.value_bytes)
            throw Finding("a run leaves something on the tape");
    }
    counts.add("run again as a program");
}

}  // namespace

void check_repetition(const Program& program, Counts& counts) {
    Run<double> run(program, program.leaves());
    const Tensors values = run.values();
    const TapeStatistics before = run.tape().statistics();
    const Var<double> loss = run.loss(program.roots);
    const TapeStatistics recorded = run.tape().statistics();
    const Gradients<double> all = gradient(loss, run.wrt());
    const Tensors expected(all.begin(), all.end());
    const TapeStatistics after = run.tape().statistics();
    if (after.nodes != recorded.nodes || after.value_bytes != recorded.value_bytes)
        throw Finding("a sweep leaves something on the tape");

    Run<double> again(program, program.leaves());
    const TapeStatistics same = again.tape().statistics();
    if (same.nodes != before.nodes || same.value_bytes != before.value_bytes)
        throw Finding("run again, a program takes another number of nodes or bytes");
    require_same(again.values(), values, "run again, value");
    require_same(gradients(again, program), expected, "run again, gradient");
    counts.add("run again");
    check_run_again(program, values, expected, counts);
    check_recomputed(program, values, expected, counts);
    check_watched(program, values, expected, counts);
    check_unfused(program, values, expected, counts);
}

}  // namespace tapeloop::fuzz
