#include <fmt/format.h>
#include <autograd/kernels/as_double.hpp>
#include <autograd/study/graph/graph.hpp>
#include <autograd/wrt.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace {

template <class T>
NodeKind kind_of(const Tape<T>& tape, NodeIndex index) {
    const Node<T>& node = tape.node(index);
    if (tape.parameter(index) != nullptr) return NodeKind::parameter;
    if (tape.detached_from(index).has_value()) return NodeKind::detached;
    if (node.results == result_mark) return NodeKind::result;
    const bool given = node.input_count == 0 && node.operation->description().kind == OperationKind::constant;
    return given ? NodeKind::constant : NodeKind::operation;
}

template <class T>
GraphNode read_node(const Tape<T>& tape, NodeIndex index) {
    const Node<T>& from = tape.node(index);
    GraphNode node;
    node.index = index;
    node.kind = kind_of(tape, index);
    node.operation = from.operation->name();
    node.description = &from.operation->description();
    node.arguments = from.operation->arguments();
    node.name = tape.name(index);
    node.shape = from.shape;
    node.inputs.assign(tape.inputs(index).begin(), tape.inputs(index).end());
    node.detached_from = tape.detached_from(index);
    node.module = tape.module(index);
    // A parameter enters the tape in the step that uses it first, but belongs to all of them.
    const bool shared = node.kind == NodeKind::parameter;
    node.label = shared ? node.module : tape.label(index);
    if (!shared) node.time_step = tape.time_step(index);
    node.file = std::filesystem::path(from.site.file_name()).filename().string();
    node.line = from.site.line();
    return node;
}

template <class T>
std::vector<GraphNode> read_nodes(const Tape<T>& tape, const ReadOptions& options) {
    std::vector<GraphNode> nodes;
    nodes.reserve(tape.size());
    for (NodeIndex index = 0; index < tape.size(); ++index) {
        GraphNode& node = nodes.emplace_back(read_node(tape, index));
        const T* data = tape.node(index).data;
        if (options.values && data != nullptr) node.value = detail::as_double(data, node.shape);
    }
    return nodes;
}

template <class T>
void add_cotangents(std::vector<GraphNode>& nodes, const Tape<T>& tape, const Gradients<T>& gradients) {
    for (std::size_t i = 0; i < gradients.size(); ++i)
        if (const auto node = detail::find_node(tape, gradients.wrt()[i], "read_graph"))
            nodes[*node].cotangent = detail::as_double(gradients.at(i));
}

template <class T>
Graph read(const Tape<T>& tape, const Gradients<T>* gradients, const ReadOptions& options) {
    std::vector<GraphNode> nodes = read_nodes(tape, options);
    if (gradients != nullptr) add_cotangents(nodes, tape, *gradients);
    return Graph(std::move(nodes));
}

/// Returns whether `path` stands in `label` from one slash or end to another.
bool has_parts(std::string_view label, std::string_view path) {
    for (std::size_t at = label.find(path); at != std::string_view::npos; at = label.find(path, at + 1)) {
        const std::size_t behind = at + path.size();
        const bool starts = at == 0 || label[at - 1] == '/';
        const bool ends = behind == label.size() || label[behind] == '/';
        if (starts && ends) return true;
    }
    return false;
}

void add_users(std::vector<GraphNode>& nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto index = static_cast<NodeIndex>(i);
        if (nodes[i].index != index)
            throw std::invalid_argument(
                fmt::format("Graph: node {} has the index {}; they must count from 0", i, nodes[i].index));
        nodes[i].users.clear();
        for (NodeIndex input : nodes[i].inputs) {
            if (input >= index)
                throw std::invalid_argument(fmt::format(
                    "Graph: node {} has the input {}; an input must stand before its users", i, input));
            std::vector<NodeIndex>& users = nodes[input].users;
            if (users.empty() || users.back() != index) users.push_back(index);
        }
    }
}

}  // namespace

std::string_view name_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::parameter:
            return "parameter";
        case NodeKind::constant:
            return "constant";
        case NodeKind::operation:
            return "operation";
        case NodeKind::result:
            return "result";
        case NodeKind::detached:
            return "detached";
    }
    return "";
}

Graph::Graph(std::vector<GraphNode> nodes) {
    add_users(nodes);
    members_.resize(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) members_[i] = static_cast<NodeIndex>(i);
    nodes_ = std::make_shared<const std::vector<GraphNode>>(std::move(nodes));
}

bool Graph::contains(NodeIndex index) const {
    return std::binary_search(members_.begin(), members_.end(), index);
}

const GraphNode& Graph::operator[](NodeIndex index) const {
    if (index >= nodes_->size())
        throw std::invalid_argument(
            fmt::format("Graph: there is no node {}; the tape had {} nodes", index, nodes_->size()));
    return (*nodes_)[index];
}

std::vector<NodeIndex> Graph::named(std::string_view name) const {
    std::vector<NodeIndex> found;
    for (const GraphNode& node : *this)
        if (!name.empty() && node.name == name) found.push_back(node.index);
    return found;
}

std::vector<NodeIndex> Graph::outside() const {
    std::vector<NodeIndex> found;
    for (const GraphNode& node : *this)
        for (NodeIndex input : node.inputs)
            if (!contains(input)) found.push_back(input);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

Graph Graph::select(const std::function<bool(const GraphNode&)>& wanted) const {
    std::vector<NodeIndex> chosen;
    for (const GraphNode& node : *this)
        if (wanted(node)) chosen.push_back(node.index);
    return {*this, std::move(chosen)};
}

Graph Graph::labelled(std::string_view path) const {
    return select([path](const GraphNode& node) {
        return has_parts(node.label, path) || has_parts(node.module, path);
    });
}

Graph Graph::time_steps(std::size_t begin, std::size_t end) const {
    return select([begin, end](const GraphNode& node) {
        return node.time_step.has_value() && *node.time_step >= begin && *node.time_step < end;
    });
}

void Graph::require_member(std::string_view function, NodeIndex index) const {
    if (!contains(index))
        throw std::invalid_argument(
            fmt::format("{}: node {} is not in this graph of {} nodes", function, index, size()));
}

Graph Graph::ancestors(NodeIndex index) const {
    require_member("ancestors", index);
    std::vector<bool> reached(nodes_->size(), false);
    reached[index] = true;
    std::vector<NodeIndex> chosen;
    for (std::size_t place = members_.size(); place-- > 0;) {
        const NodeIndex member = members_[place];
        if (!reached[member]) continue;
        chosen.push_back(member);
        for (NodeIndex input : (*nodes_)[member].inputs) reached[input] = true;
    }
    std::reverse(chosen.begin(), chosen.end());
    return {*this, std::move(chosen)};
}

Graph Graph::descendants(NodeIndex index) const {
    require_member("descendants", index);
    std::vector<bool> reached(nodes_->size(), false);
    reached[index] = true;
    std::vector<NodeIndex> chosen;
    for (NodeIndex member : members_) {
        const std::vector<NodeIndex>& inputs = (*nodes_)[member].inputs;
        const bool from_there =
            std::any_of(inputs.begin(), inputs.end(), [&](NodeIndex input) { return reached[input]; });
        if (member == index || from_there) chosen.push_back(member);
        reached[member] = member == index || from_there;
    }
    return {*this, std::move(chosen)};
}

Graph read_graph(const Tape<float>& tape, const ReadOptions& options) {
    return read<float>(tape, nullptr, options);
}
Graph read_graph(const Tape<double>& tape, const ReadOptions& options) {
    return read<double>(tape, nullptr, options);
}
Graph read_graph(const Tape<float>& tape, const Gradients<float>& gradients, const ReadOptions& options) {
    return read(tape, &gradients, options);
}
Graph read_graph(const Tape<double>& tape, const Gradients<double>& gradients, const ReadOptions& options) {
    return read(tape, &gradients, options);
}

}  // namespace tapeloop
