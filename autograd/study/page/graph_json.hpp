#pragma once

#include <autograd/study/graph/graph.hpp>

#include <nlohmann/json.hpp>

namespace tapeloop::detail {

/// A graph as autograd/study/page/json.hpp describes it.
nlohmann::json graph_json(const Graph& graph, std::size_t largest_grid);

}  // namespace tapeloop::detail
