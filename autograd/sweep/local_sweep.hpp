#pragma once

#include <autograd/sweep/graph_sweep.hpp>
#include <autograd/sweep/sweep.hpp>

#include <algorithm>
#include <optional>
#include <vector>

/// The rules of one node alone: a sweep that reaches this node and its inputs.
namespace tapeloop::detail {

/// Returns how many of the following nodes are the results of `node`.
template <class T>
NodeIndex result_count(const Tape<T>& tape, NodeIndex node) {
    return tape.node(node).results == result_mark ? 0 : tape.node(node).results;
}

/// The nodes that hold what `node` computes: itself, or those behind it.
template <class T>
std::vector<NodeIndex> results_of(const Tape<T>& tape, NodeIndex node) {
    const NodeIndex count = result_count(tape, node);
    std::vector<NodeIndex> results;
    for (NodeIndex result = node + (count == 0 ? 0 : 1); result <= node + count; ++result)
        results.push_back(result);
    return results;
}

/// The inputs of `node`, each once. A copy: recording moves the tape's vectors.
template <class T>
std::vector<NodeIndex> distinct_inputs(const Tape<T>& tape, NodeIndex node) {
    std::vector<NodeIndex> inputs;
    for (NodeIndex input : tape.inputs(node))
        if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
    return inputs;
}

/// A sweep, `Sweep<T>` or `GraphSweep<T>`, that runs the rules of `operation` for its `node` and delivers to
/// `wanted` of the node's inputs only. `cotangent_of(result)` gives an optional cotangent for each result.
template <class SweepType, class T, class CotangentOf>
SweepType sweep_alone(Tape<T>& tape, const Operation<T>& operation, NodeIndex node,
                      const std::vector<NodeIndex>& wanted, const CotangentOf& cotangent_of) {
    NodeIndex first = node;
    for (NodeIndex input : wanted) {
        // One of several results may want its cotangent placed in that of the node which made it.
        const bool is_result = tape.node(input).results == result_mark;
        first = std::min(first, is_result ? tape.inputs(input)[0] : input);
    }
    SweepType sweep(tape, Reach<T>(tape, first, node + result_count(tape, node), wanted));
    for (NodeIndex result : results_of(tape, node))
        if (const auto cotangent = cotangent_of(result); cotangent.has_value())
            sweep.deliver(node, result, *cotangent);
    operation.pull(sweep, node);
    if constexpr (requires { sweep.settle(node); })
        for (NodeIndex input : wanted) sweep.settle(input);
    return sweep;
}

}  // namespace tapeloop::detail
