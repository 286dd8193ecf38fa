#pragma once

#include <autograd/study/graph/graph.hpp>

#include <nlohmann/json.hpp>

namespace tapeloop::detail {

/// The local Jacobians that the page shows, as README.md in this folder describes them, in about as many
/// `bytes` at most.
template <class T>
nlohmann::json jacobians_json(Tape<T>& tape, const Graph& graph, std::size_t bytes);

extern template nlohmann::json jacobians_json(Tape<float>&, const Graph&, std::size_t);
extern template nlohmann::json jacobians_json(Tape<double>&, const Graph&, std::size_t);

}  // namespace tapeloop::detail
