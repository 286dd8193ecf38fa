#pragma once

#include <autograd/record/observer.hpp>

namespace tapeloop::detail {

/// Rounds every value and every cotangent to float, on tapes of double that are made while it lives: what
/// float would give if each operation were exact.
class RoundedToFloat final : public TapeObserver<double> {
  public:
    void appended(Tape<double>& tape, NodeIndex node) override;
    void pulled(Sweep<double>& sweep, NodeIndex node) override;
};

}  // namespace tapeloop::detail
