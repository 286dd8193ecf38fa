#pragma once

#include <autograd/record/onnx_value.hpp>
#include <autograd/var.hpp>

#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tapeloop::detail {

/// Positions, extents or axes, which are no nodes.
struct Integers {
    Shape shape;
    std::vector<std::int64_t> elements;
};

/// A value of a replay: nothing, a node, a number that becomes a node where it has to, or integers.
using Played = std::variant<std::monostate, Var<double>, double, Integers>;

/// Records on the current tape what computes an operator of ONNX, of those that operations name as their
/// counterparts. Throws `std::invalid_argument` for another, and for what its inputs or attributes cannot be.
Played play_operator(const std::string& op, std::span<const Played> inputs,
                     std::span<const OnnxAttribute> attributes);

}  // namespace tapeloop::detail
