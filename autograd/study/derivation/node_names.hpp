#pragma once

#include <autograd/tape.hpp>

#include <optional>
#include <string>
#include <vector>

/// Short names for the nodes of a graph, as a textbook would choose them.
namespace tapeloop::detail {

struct NodeName {
    std::string letter;         ///< `h`; a number for a constant that is one
    std::optional<int> number;  ///< its subscript
    bool is_time = false;       ///< whether the subscript counts time steps, from 1
    bool is_constant = false;   ///< whether it is no name but a number
    /// Of an initial state that has a name of its own: the letter of the states that follow, and the first
    /// step.
    std::string state = {};
    int first_step = 0;

    /// `h₂`
    std::string text() const;
    /// `hₜ₋₁` in a step t = 3, also of an initial state that has a name; empty if it is further from t than
    /// one step.
    std::string text_from(int t) const;
};

/// Names for the nodes in `wanted`, at their indices; those of parameters and of named nodes as they are.
/// No two nodes have the same. J is called J unless it has a name; a constant with one element is called by
/// its value unless it is one of `asked`.
template <class T>
std::vector<NodeName> name_nodes(const Tape<T>& tape, NodeIndex J, const std::vector<bool>& wanted,
                                 const std::vector<std::optional<NodeIndex>>& asked);

}  // namespace tapeloop::detail
