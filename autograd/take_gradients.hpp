#pragma once

#include <autograd/wrt.hpp>

#include <cstddef>

namespace tapeloop {

/// Takes gradients while the sweep that computes them goes on.
template <class T>
class GradientReceiver {
  public:
    GradientReceiver() = default;
    virtual ~GradientReceiver() = default;
    GradientReceiver(const GradientReceiver&) = delete;
    GradientReceiver& operator=(const GradientReceiver&) = delete;

    /// Gets the gradient of the i-th of what was asked for, to which nothing more can come.
    virtual void take(std::size_t i, Tensor<T> gradient) = 0;
    /// The sweep has taken one more node: for what goes on beside it and has to be looked after.
    virtual void advanced() {}
};

/// Hands each gradient of J to `receiver`, once, as soon as it is complete: that of a parameter when all
/// nodes from its first use on were swept. So upper layers come before those below them, and the weights of a
/// recurrent layer all together, after its first time step. What J does not depend on comes first, as zeros.
/// The bits are those of `gradient`. Throws as `gradient`, and what the receiver throws, which ends the
/// sweep; the tape is as before then.
void take_gradients(const Var<float>& J, const WrtList<float>& wrt, GradientReceiver<float>& receiver);
void take_gradients(const Var<double>& J, const WrtList<double>& wrt, GradientReceiver<double>& receiver);

}  // namespace tapeloop
