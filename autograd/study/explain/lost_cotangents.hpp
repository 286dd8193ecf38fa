#pragma once

#include <autograd/study/explain/explain.hpp>

namespace tapeloop::detail {

/// Says why no path leads from J back to node `of`; null when it is a parameter that the tape never saw.
template <class T>
std::vector<Culprit> why_no_path(const Tape<T>& tape, NodeIndex J, std::optional<NodeIndex> of);

/// Says where the first value that is not finite was computed, of those that J was computed from.
template <class T>
std::optional<Culprit> first_value_not_finite(const Tape<T>& tape, NodeIndex J);

/// Says where the first cotangent along `path` is not finite.
std::optional<Culprit> first_cotangent_not_finite(const std::vector<PathStep>& path);

}  // namespace tapeloop::detail
