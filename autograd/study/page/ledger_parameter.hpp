#pragma once

#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/graph/graph.hpp>

#include <optional>

namespace tapeloop::detail {

/// Returns the node of the parameter of a ledger, which has no more than its name: its uses tell which one it
/// is. None if the ledger is of another tape.
std::optional<NodeIndex> ledger_parameter(const GradientLedger& ledger, const Graph& graph);

}  // namespace tapeloop::detail
