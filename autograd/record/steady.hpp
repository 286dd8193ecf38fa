#pragma once

#include <autograd/kernels/products/repeated_products.hpp>
#include <autograd/tape.hpp>

namespace tapeloop::detail {

/// A scope in which no value of a tape changes, unless a parameter tells of it: products may copy what they
/// read again and again. The time loop opens one; between the user's own calls anything may change.
template <class T>
class Steady {
  public:
    explicit Steady(Tape<T>& tape) : tape_(tape.handle()) { tape.begin_steady(); }
    ~Steady() {
        if (Tape<T>* const tape = tape_.get()) tape->end_steady();
    }
    Steady(const Steady&) = delete;
    Steady& operator=(const Steady&) = delete;

  private:
    TapeHandle<T> tape_;
};

}  // namespace tapeloop::detail
