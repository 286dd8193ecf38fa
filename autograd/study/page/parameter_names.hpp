#pragma once

#include <autograd/study/graph/graph.hpp>

#include <map>
#include <string>

namespace tapeloop::detail {

/// Names each parameter of a graph beside all others: its name; `lower/W` where a second one has that name
/// too; and `W #12` where they share their module as well.
std::map<NodeIndex, std::string> parameter_names(const Graph& graph);

}  // namespace tapeloop::detail
