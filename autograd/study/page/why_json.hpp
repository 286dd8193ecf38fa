#pragma once

#include <autograd/study/graph/graph.hpp>

#include <nlohmann/json.hpp>

#include <vector>

namespace tapeloop::detail {

/// Returns the node that explanations and derivations start from: the only root of the backward wave, if it
/// has one element.
std::optional<NodeIndex> single_loss(const Graph& graph, const std::vector<NodeIndex>& roots);

/// What `explain` says of the nodes of a graph, within about so many bytes of text; see README.md. Parameters
/// come first, then what later steps of a loop take, then the others.
template <class T>
nlohmann::json why_json(Tape<T>& tape, const Graph& graph, NodeIndex J, std::size_t bytes);

/// The equations of the chain rule for the nodes of a graph, by `derivation`; null where it would be larger
/// than that.
template <class T>
nlohmann::json equations_json(Tape<T>& tape, const Graph& graph, NodeIndex J, std::size_t bytes);

extern template nlohmann::json why_json(Tape<float>&, const Graph&, NodeIndex, std::size_t);
extern template nlohmann::json why_json(Tape<double>&, const Graph&, NodeIndex, std::size_t);
extern template nlohmann::json equations_json(Tape<float>&, const Graph&, NodeIndex, std::size_t);
extern template nlohmann::json equations_json(Tape<double>&, const Graph&, NodeIndex, std::size_t);

}  // namespace tapeloop::detail
