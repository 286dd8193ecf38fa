#include <fmt/format.h>
#include <autograd/study/graph/text.hpp>
#include <autograd/study/graph/words.hpp>

#include <algorithm>
#include <cmath>

namespace tapeloop {

using namespace detail;

namespace {

/// The cells of one line; those of all lines stand below each other.
using Line = std::vector<std::string>;

std::string aligned(const std::vector<Line>& lines) {
    std::vector<std::size_t> widths;
    for (const Line& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], line[k].size());
    }
    std::string text;
    for (const Line& line : lines) {
        std::string row;
        for (std::size_t k = 0; k < line.size(); ++k) {
            if (widths[k] == 0) continue;  // a column that no line needs
            row += k == 0 ? fmt::format("{:>{}}", line[k], widths[k])
                          : fmt::format("  {:<{}}", line[k], widths[k]);
        }
        text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

/// `[4, 1, 1]`, the place of element i.
std::string place_text(const Tensor<double>& tensor, std::size_t i) {
    std::vector<std::size_t> place(tensor.dimension());
    for (std::size_t axis = place.size(); axis-- > 0; i /= tensor.shape(axis))
        place[axis] = i % tensor.shape(axis);
    return fmt::format("[{}]", fmt::join(place, ", "));
}

/// `1 NaN at [4, 1, 1]`, `3 NaN from [4, 1, 1] on`
std::string count_text(const Tensor<double>& tensor, std::string_view what, bool (*is)(double)) {
    const auto count = static_cast<std::size_t>(std::count_if(tensor.begin(), tensor.end(), is));
    if (count == 0) return "";
    const auto first =
        static_cast<std::size_t>(std::find_if(tensor.begin(), tensor.end(), is) - tensor.begin());
    std::string text = fmt::format(", {} {}", count, what);
    if (tensor.dimension() == 0 || count == tensor.size()) return text;
    const std::string place = place_text(tensor, first);
    return text + (count == 1 ? " at " + place : " from " + place + " on");
}

/// `-0.98 .. 0.99`, with what is not finite counted behind.
std::string range_text(const Tensor<double>& tensor) {
    std::vector<double> finite;
    for (double element : tensor)
        if (std::isfinite(element)) finite.push_back(element);
    std::string text = "empty";
    if (!finite.empty()) {
        const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
        text = *low == *high ? fmt::format("{:.3g}", *low) : fmt::format("{:.3g} .. {:.3g}", *low, *high);
    } else if (tensor.size() > 0) {
        text = "nothing finite";
    }
    text += count_text(tensor, "NaN", [](double element) { return std::isnan(element); });
    return text + count_text(tensor, "infinite", [](double element) { return std::isinf(element); });
}

std::string ranges_text(const GraphNode& node) {
    std::string text;
    if (node.value.has_value()) text += "value " + range_text(*node.value);
    if (node.cotangent.has_value())
        text += (text.empty() ? "" : "; ") + ("cotangent " + range_text(*node.cotangent));
    return text;
}

/// `add(%9, %11)`, `sum(%9; axis 1)`; of many inputs only the first ones and the last.
std::string call(const detail::Title& title, const std::vector<std::string>& inputs) {
    constexpr std::size_t most = 6;
    std::string list;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        const bool left_out = inputs.size() > most && k >= most - 2 && k + 1 < inputs.size();
        if (left_out && k == most - 2) list += fmt::format(", .. {} more ..", inputs.size() - most + 1);
        if (!left_out) list += (list.empty() ? "" : ", ") + inputs[k];
    }
    if (inputs.empty()) return title.operation + (title.arguments.empty() ? "" : " ") + title.arguments;
    return fmt::format("{}({}{}{})", title.operation, list, title.arguments.empty() ? "" : "; ",
                       title.arguments);
}

std::string source_text(const GraphNode& node) {
    // A parameter's line is where it was used first, which says nothing of it.
    return node.kind == NodeKind::parameter ? "" : fmt::format("{}:{}", node.file, node.line);
}

Line line_of(const Graph& graph, const GraphNode& node) {
    std::vector<std::string> inputs;
    for (NodeIndex input : node.inputs) inputs.push_back(detail::reference(graph[input]));
    if (node.detached_from.has_value()) inputs = {detail::reference(graph[*node.detached_from])};
    return {detail::reference(node),           node.label,        node.shape.text(),
            call(detail::title(node), inputs), source_text(node), ranges_text(node)};
}

std::string reference(const FoldedGraph& graph, const FoldedNode& node) {
    const std::string name = detail::name_of(graph, node);
    return fmt::format("%{}{}{}", node.index, name.empty() ? "" : ":", name);
}

/// `%11:h[t-1] at t=1..49`
std::string input_text(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input,
                       bool has_others) {
    std::string text = reference(graph, graph.nodes[input.from]);
    const std::string delay = detail::delay_text(graph, node, input);
    if (!delay.empty()) text += fmt::format("[{}]", delay);
    const std::string steps = detail::occasion(graph, node, input);
    // Of several ways the most frequent is the rule, and the others say when.
    if (!steps.empty() && !(has_others && input.delay != 0)) text += " at " + steps;
    return text;
}

Line line_of(const FoldedGraph& graph, const FoldedNode& node) {
    std::vector<std::string> inputs;
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        const FoldedInput& input = node.inputs[k];
        const bool joins = k > 0 && node.inputs[k - 1].argument == input.argument;
        const bool is_joined = k + 1 < node.inputs.size() && node.inputs[k + 1].argument == input.argument;
        const std::string text = input_text(graph, node, input, joins || is_joined);
        if (joins)
            inputs.back() += " | " + text;
        else
            inputs.push_back(text);
    }
    const GraphNode& one = graph.graph[node.index];
    const std::string count = node.members.size() == 1 ? "" : fmt::format("x {}", node.members.size());
    return {
        reference(graph, node), one.module, count, one.shape.text(), call(detail::title(graph, node), inputs),
        source_text(one)};
}

std::string loop_text(const FoldedLoop& loop) {
    const auto& steps = loop.time_steps;
    std::string text = fmt::format("{}{}{} time steps, t={} to {}", loop.label,
                                   loop.label.empty() ? "" : ": ", steps.size(), steps.front(), steps.back());
    if (!loop.odd_steps.empty()) text += "; other nodes at " + detail::steps_text(loop.odd_steps);
    return text + "\n";
}

}  // namespace

std::string to_text(const Graph& graph) {
    std::vector<Line> lines;
    lines.reserve(graph.size());
    for (const GraphNode& node : graph) lines.push_back(line_of(graph, node));
    return aligned(lines);
}

std::string to_text(const FoldedGraph& graph) {
    std::string loops;
    for (const FoldedLoop& loop : graph.loops) loops += loop_text(loop);
    std::vector<Line> lines;
    for (const FoldedNode& node : graph.nodes) lines.push_back(line_of(graph, node));
    return loops + aligned(lines);
}

}  // namespace tapeloop
