#pragma once

#include <autograd/study/graph/graph.hpp>
#include <autograd/study/page/tensor_json.hpp>

#include <nlohmann/json.hpp>

namespace tapeloop::detail {

/// A graph as autograd/study/page/json.hpp describes it, with its tensors in that detail.
nlohmann::json graph_json(const Graph& graph, std::size_t largest_grid, TensorDetail detail);

}  // namespace tapeloop::detail
