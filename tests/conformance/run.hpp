#pragma once

#include "case.hpp"

namespace tapeloop::conformance {

/// Returns what this library makes of a case.
struct Outcome {
    Results results;
    LayerGradients gradients;  ///< of the objective, where gradients are expected
};

/// Builds the layers of a case and runs them, if `through` names a library, with parameters that went through
/// a file under its names. Throws `Malformed` when the shapes do not fit each other, and `Refused` when that
/// library has no such layers.
Outcome run(const Case& c, const std::string& through = "");

}  // namespace tapeloop::conformance
