#include <fmt/format.h>
#include <autograd/study/page/parameter_names.hpp>

namespace tapeloop::detail {

std::map<NodeIndex, std::string> parameter_names(const Graph& graph) {
    const auto path_of = [](const GraphNode& node) {
        return node.module.empty() ? node.name : node.module + "/" + node.name;
    };
    std::map<std::string, int> with_name;
    std::map<std::string, int> with_path;
    for (const GraphNode& node : graph) {
        if (node.kind != NodeKind::parameter) continue;
        ++with_name[node.name];
        ++with_path[path_of(node)];
    }
    std::map<NodeIndex, std::string> names;
    for (const GraphNode& node : graph) {
        if (node.kind != NodeKind::parameter) continue;
        std::string& name = names[node.index];
        name = with_name[node.name] == 1 ? node.name : path_of(node);
        if (with_name[node.name] > 1 && with_path[name] > 1) name += fmt::format(" #{}", node.index);
    }
    return names;
}

}  // namespace tapeloop::detail
