#include <fmt/format.h>
#include <autograd/study/graph/words.hpp>

#include <algorithm>
#include <functional>

namespace tapeloop::detail {
namespace {

/// Returns what all members of a folded node have in common; empty if they differ.
std::string common(const FoldedGraph& graph, const FoldedNode& node,
                   const std::function<std::string(const GraphNode&)>& of) {
    const std::string first = of(graph.graph[node.members.front()]);
    const bool same = std::all_of(node.members.begin(), node.members.end(),
                                  [&](NodeIndex member) { return of(graph.graph[member]) == first; });
    return same ? first : "";
}

std::string arguments_of(const GraphNode& node) {
    if (node.kind == NodeKind::result) return fmt::format("{}", node.index - node.inputs.front() - 1);
    if (node.kind != NodeKind::constant || !node.value.has_value() || node.value->size() == 0)
        return node.arguments;
    const Tensor<double>& value = *node.value;
    const bool same =
        std::all_of(value.begin(), value.end(), [&](double element) { return element == *value.begin(); });
    return same ? fmt::format("{:.3g}", *value.begin()) : "";
}

/// The time steps of a folded node, ascending.
std::vector<std::size_t> steps_of(const FoldedGraph& graph, const FoldedNode& node) {
    std::vector<std::size_t> steps;
    for (NodeIndex member : node.members)
        if (const auto& step = graph.graph[member].time_step; step.has_value()) steps.push_back(*step);
    std::sort(steps.begin(), steps.end());
    return steps;
}

}  // namespace

std::string reference(const GraphNode& node) {
    return node.name.empty() ? fmt::format("%{}", node.index) : fmt::format("%{}:{}", node.index, node.name);
}

std::string name_of(const FoldedGraph& graph, const FoldedNode& node) {
    return common(graph, node, [](const GraphNode& member) { return member.name; });
}

Title title(const GraphNode& node) { return {node.operation, arguments_of(node)}; }

Title title(const FoldedGraph& graph, const FoldedNode& node) {
    return {graph.graph[node.index].operation, common(graph, node, arguments_of)};
}

std::string steps_text(const std::vector<std::size_t>& time_steps) {
    std::string text;
    for (std::size_t first = 0; first < time_steps.size();) {
        std::size_t last = first;
        while (last + 1 < time_steps.size() && time_steps[last + 1] == time_steps[last] + 1) ++last;
        text += text.empty() ? "t=" : ", ";
        text += first == last ? fmt::format("{}", time_steps[first])
                              : fmt::format("{}..{}", time_steps[first], time_steps[last]);
        first = last + 1;
    }
    return text;
}

std::string occasion(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input) {
    const FoldedNode& source = graph.nodes[input.from];
    const FoldedNode& in_loop = node.loop.has_value() ? node : source;
    if (input.time_steps.empty() || input.time_steps.size() == in_loop.members.size()) return "";
    return input.time_steps == steps_of(graph, in_loop) ? "" : steps_text(input.time_steps);
}

std::string delay_text(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input) {
    if (input.delay == 0) return "";
    std::ptrdiff_t stride = 1;
    if (node.loop.has_value() && graph.nodes[input.from].loop == node.loop) {
        const auto& steps = graph.loops[*node.loop].time_steps;
        if (steps.size() > 1)
            stride = static_cast<std::ptrdiff_t>(steps[1]) - static_cast<std::ptrdiff_t>(steps[0]);
    }
    return fmt::format("t{:+}", -input.delay * stride);
}

}  // namespace tapeloop::detail
