#pragma once

#include "case.hpp"

namespace tapeloop::conformance {

/// The cases of a conformance file. Throws `Malformed` when the file cannot be read, is not JSON or has no
/// list of cases. A case that does not keep to the format says so in `Case::malformed`, and one with an
/// option that the runner does not know names it in `Case::missing`.
std::vector<Case> read_file(const std::string& path);

}  // namespace tapeloop::conformance
