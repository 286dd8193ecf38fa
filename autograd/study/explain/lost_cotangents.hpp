#pragma once

#include <autograd/study/explain/explain.hpp>

namespace tapeloop::detail {

/// Says why no path leads from J back to node `of`; null when it is a parameter that the tape never saw.
template <class T>
std::vector<Culprit> why_no_path(const Tape<T>& tape, NodeIndex J, std::optional<NodeIndex> of);

/// Says where the first value that is not finite was computed, or the first cotangent along `path`. Empty if
/// neither is found.
template <class T>
std::vector<Culprit> why_not_finite(const Tape<T>& tape, NodeIndex J, const std::vector<PathStep>& path);

}  // namespace tapeloop::detail
