#pragma once

#include <autograd/study/graph/graph.hpp>

namespace tapeloop {

/// Options of `to_json`.
struct JsonOptions {
    /// A tensor with more rows or columns than this is averaged over blocks.
    std::size_t largest_grid = 48;
};

/// A graph, or a slice of one, as JSON for other programs (`tapeloop::study` in CMake):
///
///     {"format": "tapeloop graph", "version": 1, "nodes": [NODE, ...]}
///
/// The nodes stand in the order of execution. A NODE is
///
///     {"id": 12,               its index on the tape
///      "kind": "operation",    or "parameter", "constant", "result", "detached"
///      "op": "sum",
///      "arguments": "axis 1",  left out without, as is all that follows and is marked ?
///      "name": "h",            ?
///      "shape": [2, 3],
///      "inputs": [9, 11],      ids; of a slice some may lie outside
///      "detached_from": 10,    ? what `detach` was called with
///      "module": "decoder/attention",      empty outside of every label
///      "time": 3,              or null
///      "label": "decoder/t=3/attention",
///      "file": "cell.hpp", "line": 71,
///      "value": TENSOR,        ?
///      "cotangent": TENSOR}    ?
///
/// and a TENSOR, as far as they were read,
///
///     {"shape": [8, 2, 100],
///      "min": -0.5, "max": 1, "norm": 3.2,  of all elements; "nan", "inf" or "-inf" where JSON has no number
///      "grid": [16, 48],       the tensor as [all axes but the last, the last], averaged down to this
///      "data": "AACAPw..."     the grid row by row: base64 of little-endian float32
///      "scale": 1e-30}         ? what they are to be multiplied by
///
/// Throws `std::invalid_argument` when `largest_grid` is 0.
std::string to_json(const Graph& graph, const JsonOptions& options = {});

}  // namespace tapeloop
