#pragma once

#include "run.hpp"

namespace tapeloop::conformance {

/// Says what is wrong with an outcome: the element that is furthest beyond its tolerance, with both values,
/// or a shape; empty when all is as expected. NaN equals NaN, and an infinity itself.
std::string problem(const Case& c, const Outcome& outcome);

/// Lists what a case leaves out of its gradients, by where it would stand in `expected`: nobody compares it.
std::vector<std::string> not_expected(const Case& c);

}  // namespace tapeloop::conformance
