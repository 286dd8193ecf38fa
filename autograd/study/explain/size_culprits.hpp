#pragma once

#include <autograd/study/explain/hop_symptoms.hpp>

namespace tapeloop::detail {

/// Returns what accounts for the size of a gradient that arrives along `path`, most first.
std::vector<Culprit> culprits_of_size(const std::vector<PathStep>& path, GradientSize size);

}  // namespace tapeloop::detail
