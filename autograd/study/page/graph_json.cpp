#include <autograd/study/page/graph_json.hpp>
#include <autograd/study/page/json.hpp>

#include <stdexcept>

namespace tapeloop {

using namespace detail;

namespace detail {

namespace {

nlohmann::json node_json(const GraphNode& node, std::size_t largest_grid, TensorDetail detail) {
    nlohmann::json made{
        {"id", node.index},      {"kind", name_of(node.kind)},
        {"op", node.operation},  {"shape", std::vector<std::uint32_t>(node.shape.begin(), node.shape.end())},
        {"inputs", node.inputs}, {"module", node.module},
        {"time", nullptr},       {"label", node.label},
        {"file", node.file},     {"line", node.line}};
    if (node.time_step.has_value()) made["time"] = *node.time_step;
    if (!node.arguments.empty()) made["arguments"] = node.arguments;
    if (!node.name.empty()) made["name"] = node.name;
    if (node.detached_from.has_value()) made["detached_from"] = *node.detached_from;
    if (node.value.has_value()) made["value"] = tensor_json(*node.value, largest_grid, detail);
    if (node.cotangent.has_value()) made["cotangent"] = tensor_json(*node.cotangent, largest_grid, detail);
    return made;
}

}  // namespace

nlohmann::json graph_json(const Graph& graph, std::size_t largest_grid, TensorDetail detail) {
    nlohmann::json nodes = nlohmann::json::array();
    for (const GraphNode& node : graph) nodes.push_back(node_json(node, largest_grid, detail));
    return {{"format", "tapeloop graph"}, {"version", 1}, {"nodes", std::move(nodes)}};
}

}  // namespace detail

std::string to_json(const Graph& graph, const JsonOptions& options) {
    if (options.largest_grid == 0)
        throw std::invalid_argument("to_json: largest_grid is 0; it must be at least 1");
    // A name that is not UTF-8 is no reason to lose the rest.
    return detail::graph_json(graph, options.largest_grid, TensorDetail::all)
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tapeloop
