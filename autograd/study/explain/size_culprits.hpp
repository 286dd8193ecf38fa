#pragma once

#include <autograd/study/explain/hop_symptoms.hpp>

namespace tapeloop::detail {

/// Returns what accounts for the size of a gradient that arrives along `path`, most first.
std::vector<Culprit> culprits_of_size(const std::vector<PathStep>& path, GradientSize size);

/// Returns by how many powers of ten a path changes the cotangent, averages left out.
double decades_along(const std::vector<PathStep>& path);

}  // namespace tapeloop::detail
