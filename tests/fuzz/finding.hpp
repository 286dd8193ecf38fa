#pragma once

#include <stdexcept>

namespace tapeloop::fuzz {

/// Something that must not be. Neither of the errors that the library may throw.
class Finding : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace tapeloop::fuzz
