#pragma once

#include "case.hpp"

namespace tapeloop::conformance {

/// Returns what this library makes of a case.
struct Outcome {
    Results results;
    LayerGradients gradients;  ///< of the objective, where gradients are expected
};

/// Builds the layers of a case and runs them. Throws `Malformed` when its shapes do not fit each other.
Outcome run(const Case& c);

}  // namespace tapeloop::conformance
