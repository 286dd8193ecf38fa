#pragma once

#include "run.hpp"

namespace tapeloop::conformance {

/// What is wrong with an outcome: the element that is furthest beyond its tolerance, with both values, or a
/// shape; empty when all is as expected. NaN equals NaN, and an infinity itself.
std::string problem(const Case& c, const Outcome& outcome);

}  // namespace tapeloop::conformance
