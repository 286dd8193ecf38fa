#pragma once

#include <autograd/study/explain/causes.hpp>

namespace tapeloop::detail {

/// Returns what accounts for the size of a gradient that arrives along `path`, most first.
std::vector<Culprit> culprits_of(const std::vector<PathStep>& path, GradientSize size);

}  // namespace tapeloop::detail
