#include <fmt/format.h>
#include <autograd/inspect/words.hpp>

#include <algorithm>
#include <functional>

namespace tapeloop::detail {
namespace {

/// What all members of a folded node have in common; empty if they differ.
std::string common(const FoldedGraph& graph, const FoldedNode& node,
                   const std::function<std::string(const GraphNode&)>& of) {
    const std::string first = of(graph.graph[node.members.front()]);
    const bool same = std::all_of(node.members.begin(), node.members.end(),
                                  [&](Index member) { return of(graph.graph[member]) == first; });
    return same ? first : "";
}

std::string title(const GraphNode& node, const std::string& arguments) {
    if (node.kind == NodeKind::result) return "result";
    return arguments.empty() ? node.operation : fmt::format("{}: {}", node.operation, arguments);
}

/// The time steps of a folded node, ascending.
std::vector<std::size_t> steps_of(const FoldedGraph& graph, const FoldedNode& node) {
    std::vector<std::size_t> steps;
    for (Index member : node.members)
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

std::string title(const GraphNode& node) { return title(node, node.arguments); }

std::string title(const FoldedGraph& graph, const FoldedNode& node) {
    return title(graph.graph[node.index],
                 common(graph, node, [](const GraphNode& member) { return member.arguments; }));
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

std::string delay_text(std::ptrdiff_t delay) { return delay == 0 ? "" : fmt::format("t{:+}", -delay); }

}  // namespace tapeloop::detail
