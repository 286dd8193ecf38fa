#pragma once

#include <autograd/check/judge/random.hpp>
#include <autograd/record/observer.hpp>
#include <autograd/tape.hpp>

/// This file tells how large the terms are that a gradient is summed of.
namespace tapeloop::detail {

/// Has the rules of all operations get their cotangents times random numbers of either sign, element by
/// element, while it lives, on tapes that are made after it. Terms that cancel do so no longer: a gradient
/// that is 0 in theory gets the size of what was summed, and its rounding is relative to that.
template <class T>
class WeightedRules final : public TapeObserver<T> {
  public:
    explicit WeightedRules(std::uint64_t seed) : random_(seed) {}

    void appended(Tape<T>& tape, NodeIndex node) override;

  private:
    CheckRandom random_;
};

extern template class WeightedRules<float>;
extern template class WeightedRules<double>;

}  // namespace tapeloop::detail
