#pragma once

#include <autograd/record/observer.hpp>

#include <cstddef>

namespace tapeloop::detail {

/// Rounds every value and every cotangent to float, on tapes of double that are made while it lives: what
/// float would give if each operation were exact.
class RoundedToFloat final : public TapeObserver<double> {
  public:
    void appended(Tape<double>& tape, NodeIndex node) override;
    void pulled(Sweep<double>& sweep, NodeIndex node) override;

    /// The magnitude of the largest value, and of the largest cotangent, on the way: what is summed inside of
    /// an operation may be as large.
    double largest_value() const { return largest_value_; }
    double largest_cotangent() const { return largest_cotangent_; }
    /// The number of elements of the largest value: no sum inside of an operation is longer.
    std::size_t largest_size() const { return largest_size_; }

  private:
    double largest_value_ = 0;
    double largest_cotangent_ = 0;
    std::size_t largest_size_ = 0;
};

}  // namespace tapeloop::detail
