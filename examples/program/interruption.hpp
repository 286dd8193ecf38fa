#pragma once

namespace program {

/// A scope in which the first Ctrl-C (SIGINT) only asks to stop, as `asked` tells. A second one, and one
/// after the scope, ends the program. There may be one at a time.
class Interruption {
  public:
    Interruption();
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

    bool asked() const;
};

}  // namespace program
