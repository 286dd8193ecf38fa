#include <fmt/format.h>
#include <autograd/study/graph/dot.hpp>
#include <autograd/study/graph/loops.hpp>
#include <autograd/study/graph/words.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace tapeloop {

using namespace detail;

namespace {

/// Names are the user's, with any characters. Graphviz reads a backslash in a label, too.
std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        if (c == '\n')
            result += "\\n";
        else
            result += c;
    }
    return result + "\"";
}

/// A text whose lines are escaped one by one, then joined by Graphviz's own line end.
std::string label_of(const std::vector<std::string>& lines) {
    std::string result = "\"";
    for (const std::string& line : lines) {
        if (line.empty()) continue;
        const std::string one = in_quotes(line);
        result += (result.size() == 1 ? "" : "\\n") + one.substr(1, one.size() - 2);
    }
    return result + "\"";
}

struct Drawn {
    NodeIndex index;
    std::string label;       ///< in quotes
    std::string attributes;  ///< besides the label
    std::vector<std::string> path;
};

/// Boxes within boxes, by the parts of label paths.
class Clusters {
  public:
    void add(const Drawn& node) {
        Cluster* at = &root_;
        for (const std::string& part : node.path) {
            auto [found, is_new] = at->place.try_emplace(part, at->parts.size());
            if (is_new) at->parts.push_back({part, {}, {}, {}});
            at = &at->parts[found->second];
        }
        at->nodes.push_back(fmt::format("n{} [label={}{}];", node.index, node.label, node.attributes));
    }
    std::string text() {
        std::string result;
        write(root_, 1, result);
        return result;
    }

  private:
    struct Cluster {
        std::string name;
        std::vector<std::string> nodes;
        std::vector<Cluster> parts;
        std::map<std::string, std::size_t> place;
    };
    // As deep as labels nest.
    void write(const Cluster& cluster, std::size_t depth, std::string& result) {
        const std::string indent(4 * depth, ' ');
        for (const std::string& node : cluster.nodes) result += indent + node + "\n";
        for (const Cluster& part : cluster.parts) {
            const bool is_step = part.name.rfind("t=", 0) == 0 || part.name.rfind("t = ", 0) == 0;
            result += fmt::format(
                "{}subgraph cluster{} {{\n{}    label={}; labelloc=b; labeljust=r; style={}; bgcolor={};\n",
                indent, count_++, indent, in_quotes(part.name), in_quotes("rounded"),
                in_quotes(is_step ? "#eef3fa" : "#f7f7f4"));
            write(part, depth + 1, result);
            result += indent + "}\n";
        }
    }

    Cluster root_;
    std::size_t count_ = 0;
};

std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        parts.emplace_back(path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return parts;
}

std::string look_of(const GraphNode& node, bool is_outside) {
    std::string look;
    if (node.kind == NodeKind::parameter)
        look = R"(, shape=box, fillcolor="#ffe2b8")";
    else if (node.kind == NodeKind::constant || node.kind == NodeKind::detached)
        look = R"(, shape=box, style="filled,rounded", fillcolor="#e4e4e4")";
    else if (node.kind == NodeKind::result)
        look = R"(, fillcolor="#ffffff")";
    if (is_outside) look = R"(, style=dotted, fontcolor="#666666")";
    return look;
}

std::vector<std::string> caption(const GraphNode& node, const detail::Title& title, const std::string& name) {
    const std::string shape = node.shape.rank() == 0 ? "" : node.shape.text();
    if (node.kind == NodeKind::parameter && !name.empty()) return {name, shape};
    if (node.kind == NodeKind::constant) {
        const std::string what = name.empty() && title.arguments.empty() ? title.operation : name;
        return {what, name.empty() ? title.arguments : "", shape};
    }
    const std::string head = name.empty() ? title.operation : fmt::format("{} = {}", name, title.operation);
    if (node.kind == NodeKind::result) return {fmt::format("{} {}", head, title.arguments), shape};
    return {head, title.arguments, shape};
}

std::string document(Clusters& clusters, const std::string& edges) {
    return "digraph tape {\n"
           "    rankdir=LR; newrank=true; fontname=\"Helvetica\"; fontsize=12; ranksep=0.35; nodesep=0.18;\n"
           "    node [fontname=\"Helvetica\", fontsize=11, shape=ellipse, style=filled, "
           "fillcolor=\"#d7e8d4\", margin=\"0.06,0.03\"];\n"
           "    edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7];\n" +
           clusters.text() + edges + "}\n";
}

std::string edge(NodeIndex from, NodeIndex to, const std::string& attributes) {
    return fmt::format("    n{} -> n{}{}{}{};\n", from, to, attributes.empty() ? "" : " [", attributes,
                       attributes.empty() ? "" : "]");
}

/// Edges from step to step are kept straight.
std::string look_of_edge(const GraphNode& from, const GraphNode& to) {
    if (from.kind == NodeKind::parameter) return R"(color="#b97a1a")";
    const bool crosses =
        from.time_step.has_value() && to.time_step.has_value() && *from.time_step != *to.time_step;
    return crosses ? R"(color="#1f5fa8", penwidth=2, weight=10)" : "";
}

using Edges = std::vector<std::pair<NodeIndex, NodeIndex>>;

/// Invisible edges from the end of each time step to all that the next one begins with, so that time runs
/// from left to right also where a step has work that could be done before.
Edges order_of_steps(const Graph& graph, const detail::TimeLoops& times) {
    std::map<std::pair<std::size_t, std::size_t>, NodeIndex> last;
    for (const auto& [index, place] : times.places) last[{place.loop, place.order}] = index;
    Edges edges;
    for (const auto& [index, place] : times.places) {
        if (place.order == 0) continue;
        const std::vector<NodeIndex>& inputs = graph[index].inputs;
        const bool begins = std::none_of(inputs.begin(), inputs.end(), [&, p = place](NodeIndex input) {
            const auto found = times.places.find(input);
            return found != times.places.end() && found->second.loop == p.loop &&
                   found->second.order == p.order;
        });
        const NodeIndex before = last.at({place.loop, place.order - 1});
        if (begins && before < index && graph[index].kind != NodeKind::constant)
            edges.emplace_back(before, index);
    }
    return edges;
}

/// About how many pixels wide the picture of all nodes will be: its longest chain.
std::size_t width_of(const Graph& graph, const detail::TimeLoops& times) {
    constexpr std::size_t letter = 8;
    constexpr std::size_t around = 46;  // the margins of a node, and the gap behind it
    std::multimap<NodeIndex, NodeIndex> before;
    for (const auto& [from, to] : order_of_steps(graph, times)) before.emplace(to, from);
    std::map<NodeIndex, std::size_t> right;
    std::size_t widest = 0;
    for (const GraphNode& node : graph) {
        std::size_t letters = 0;
        for (const std::string& line : caption(node, detail::title(node), node.name))
            letters = std::max(letters, line.size());
        std::size_t left = 0;
        for (NodeIndex input : node.inputs)
            if (const auto found = right.find(input); found != right.end())
                left = std::max(left, found->second);
        const auto [begin, end] = before.equal_range(node.index);
        for (auto one = begin; one != end; ++one) left = std::max(left, right[one->second]);
        right[node.index] = left + letters * letter + around;
        widest = std::max(widest, right[node.index]);
    }
    return widest;
}

/// Returns what is written at a step's box: loops under one label, too, have boxes of their own.
template <class Loop>
std::string step_title(const std::string& steps, const std::vector<Loop>& loops, std::size_t loop) {
    const auto is_alike = [&](const Loop& other) { return other.label == loops[loop].label; };
    const auto end = loops.begin() + static_cast<std::ptrdiff_t>(loop);
    return steps + detail::loop_suffix(static_cast<std::size_t>(std::count_if(loops.begin(), end, is_alike)));
}

std::vector<std::string> path_of(const GraphNode& node, const detail::TimeLoops& times) {
    std::vector<std::string> path = parts_of(node.label);
    if (const auto place = times.places.find(node.index); place != times.places.end()) {
        const std::size_t loop = place->second.loop;
        std::string& step = path[parts_of(times.loops[loop].label).size()];
        step = step_title(step, times.loops, loop);
    }
    return path;
}

std::string unfolded(const Graph& graph) {
    const detail::TimeLoops times = detail::find_loops(graph);
    Clusters clusters;
    std::string edges;
    const auto draw = [&](const GraphNode& node, bool is_outside) {
        clusters.add({node.index, label_of(caption(node, detail::title(node), node.name)),
                      look_of(node, is_outside),
                      is_outside ? std::vector<std::string>() : path_of(node, times)});
    };
    for (NodeIndex index : graph.outside()) draw(graph[index], true);
    for (const GraphNode& node : graph) {
        draw(node, false);
        for (NodeIndex input : node.inputs)
            edges += edge(input, node.index, look_of_edge(graph[input], node));
        if (node.detached_from.has_value() && graph.contains(*node.detached_from))
            edges += edge(*node.detached_from, node.index, "style=dashed");
    }
    for (const auto& [from, to] : order_of_steps(graph, times)) edges += edge(from, to, "style=invis");
    return document(clusters, edges);
}

/// The path of a folded node: its label with the loop's steps as one part.
std::vector<std::string> path_of(const FoldedGraph& graph, const FoldedNode& node) {
    const GraphNode& one = graph.graph[node.index];
    if (!graph.graph.contains(node.index)) return {};
    if (!node.loop.has_value()) return parts_of(one.module);
    const FoldedLoop& loop = graph.loops[*node.loop];
    std::vector<std::string> path = parts_of(one.label);
    const std::size_t at = parts_of(loop.label).size();
    path[at] = step_title(fmt::format("t = {} .. {}", loop.time_steps.front(), loop.time_steps.back()),
                          graph.loops, *node.loop);
    return path;
}

std::string look_of_edge(const FoldedGraph& graph, const FoldedNode& node, const FoldedInput& input) {
    const std::string steps = detail::occasion(graph, node, input);
    const std::string delay = detail::delay_text(graph, node, input);
    std::string look;
    const auto add = [&](const std::string& attribute) { look += (look.empty() ? "" : ", ") + attribute; };
    if (!delay.empty())
        add(
            fmt::format("label={}, constraint=false, tailport=n, headport=n, penwidth=2, color=\"#1f5fa8\", "
                        "fontcolor=\"#1f5fa8\"",
                        in_quotes(delay)));
    else if (!steps.empty())
        add("label=" + in_quotes(steps));
    if (input.detached)
        add("style=dashed");
    else if (graph.graph[graph.nodes[input.from].index].kind == NodeKind::parameter)
        add(R"(color="#b97a1a")");
    return look;
}

}  // namespace

std::string to_dot(const FoldedGraph& graph) {
    Clusters clusters;
    std::string edges;
    for (const FoldedNode& node : graph.nodes) {
        const GraphNode& one = graph.graph[node.index];
        std::vector<std::string> lines =
            caption(one, detail::title(graph, node), detail::name_of(graph, node));
        const bool is_whole =
            node.loop.has_value() && node.members.size() == graph.loops[*node.loop].time_steps.size();
        if (node.members.size() > 1 && !is_whole) lines.push_back(fmt::format("x {}", node.members.size()));
        clusters.add({node.index, label_of(lines), look_of(one, !graph.graph.contains(node.index)),
                      path_of(graph, node)});
        for (const FoldedInput& input : node.inputs)
            edges += edge(graph.nodes[input.from].index, node.index, look_of_edge(graph, node, input));
    }
    return document(clusters, edges);
}

std::string to_dot(const Graph& graph, const DotOptions& options) {
    std::set<std::size_t> time_steps;
    for (const GraphNode& node : graph)
        if (node.time_step.has_value()) time_steps.insert(*node.time_step);
    const bool is_long = time_steps.size() > options.largest_unfolded;
    const bool is_wide = time_steps.size() > 1 && width_of(graph, detail::find_loops(graph)) > options.widest;
    return is_long || is_wide ? to_dot(fold(graph)) : unfolded(graph);
}

}  // namespace tapeloop
