#pragma once

#include <autograd/study/graph/fold.hpp>

namespace tapeloop {

/// A graph for reading: one line per node with index, label, shape, what it is, where it was written, and the
/// range of value and cotangent when they were read.
///
///     %12  lstm/t=3  [8, 64]  add(%9, %11:h)  cell.hpp:71  value -0.98 .. 0.99
std::string to_text(const Graph& graph);

/// Writes a folded graph as text. `h[t-1]` is what node h gave in the step before, and `| %4 at t=0` what
/// takes its place there.
///
///     %12  x 50  [8, 64]  add(%9, %11:h[t-1] | %4 at t=0)  cell.hpp:71
std::string to_text(const FoldedGraph& graph);

}  // namespace tapeloop
