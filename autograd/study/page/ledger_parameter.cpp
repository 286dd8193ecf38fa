#include <autograd/study/page/ledger_parameter.hpp>

namespace tapeloop::detail {

std::optional<NodeIndex> ledger_parameter(const GradientLedger& ledger, const Graph& graph) {
    for (const ParameterUse& use : ledger.uses)
        for (const NodeIndex node : use.nodes)
            for (const NodeIndex input : node < graph.size() ? graph[node].inputs : std::vector<NodeIndex>())
                if (graph[input].kind == NodeKind::parameter && graph[input].name == ledger.parameter)
                    return input;
    return std::nullopt;
}

}  // namespace tapeloop::detail
