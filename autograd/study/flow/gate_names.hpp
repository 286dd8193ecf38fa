#pragma once

#include <autograd/tape.hpp>

#include <optional>
#include <string>
#include <vector>

/// What the gates of a recording are called, and how their nodes are found.
namespace tapeloop::detail {

/// Returns whether a node is an activation with limits, such as a sigmoid, and has a time step: a gate, or a
/// candidate for the state.
template <class T>
bool is_squash_of_step(const Tape<T>& tape, NodeIndex node);

/// Returns which of `gates`, the names of the blocks of a packed weight, such a node is: the one block that
/// what goes into it is sliced from. None if there is not exactly one.
template <class T>
std::optional<std::string> gate_name(Tape<T>& tape, NodeIndex node, const std::vector<std::string>& gates);

extern template bool is_squash_of_step(const Tape<float>&, NodeIndex);
extern template bool is_squash_of_step(const Tape<double>&, NodeIndex);
extern template std::optional<std::string> gate_name(Tape<float>&, NodeIndex,
                                                     const std::vector<std::string>&);
extern template std::optional<std::string> gate_name(Tape<double>&, NodeIndex,
                                                     const std::vector<std::string>&);

}  // namespace tapeloop::detail
