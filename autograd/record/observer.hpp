#pragma once

#include <autograd/var.hpp>

namespace tapeloop {

namespace detail {

template <class T>
class Sweep;

}  // namespace detail

/// Sees what happens on the tapes of this thread: it is told of every node and of every rule that ran. It
/// observes the tapes that are constructed while it exists; observers nest, and the inner one is told first.
/// Checks and fault injection are made of it. A tape without one pays a test of a flag per node.
template <class T>
class TapeObserver {
  public:
    TapeObserver() : outer_(innermost()) { innermost() = this; }
    virtual ~TapeObserver() { innermost() = outer_; }
    TapeObserver(const TapeObserver&) = delete;
    TapeObserver& operator=(const TapeObserver&) = delete;

    /// `node` was recorded; its value is there.
    virtual void appended(Tape<T>& /*tape*/, NodeIndex /*node*/) {}
    /// The rules of `node` have delivered; its own cotangent is still there.
    virtual void pulled(detail::Sweep<T>& /*sweep*/, NodeIndex /*node*/) {}

    /// Returns the next observer outside of this one; null for the outermost.
    TapeObserver* outer() const { return outer_; }
    /// The one that tapes constructed at this point will tell; null without.
    static TapeObserver*& innermost();

  private:
    TapeObserver* outer_;
};

template <>
TapeObserver<float>*& TapeObserver<float>::innermost();
template <>
TapeObserver<double>*& TapeObserver<double>::innermost();

}  // namespace tapeloop
