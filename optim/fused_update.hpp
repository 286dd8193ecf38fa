#pragma once

#include <autograd/kernels/pass.hpp>
#include <optim/slots.hpp>

#include <algorithm>

namespace tapeloop::optim::detail {

using tapeloop::detail::Lanes;
using tapeloop::detail::Layout;
using tapeloop::detail::Target;

/// One pass over a parameter and all that belongs to it: `update(in, out)` gets a register of each input and
/// gives one of each result. A result may be one of the inputs.
template <class T, std::size_t In, std::size_t Out, class F>
void fused_update(const Shape& shape, const std::array<const T*, In>& inputs,
                  const std::array<T*, Out>& results, const F& update) {
    std::array<Layout, In + Out> layouts;
    layouts.fill({&shape, 0});
    std::array<Target<T>, Out> targets;
    for (std::size_t k = 0; k < Out; ++k) targets[k] = {results[k], false};
    tapeloop::detail::run_pass<T, In, Out>(shape, layouts, inputs, targets, update);
}

/// The pass of an optimizer that keeps `Running` tensors for a parameter: `in` is the parameter, these, and
/// the gradient; `out` the parameter and these.
template <std::size_t Running, class T, class F>
void fused_update(Slot<T>& slot, const Tensor<T>& gradient, const F& update) {
    std::array<T*, Running + 1> results;
    results[0] = slot.parameter->update().data();
    for (std::size_t k = 0; k < Running; ++k) results[k + 1] = slot.running[k].data();
    std::array<const T*, Running + 2> inputs;
    std::copy(results.begin(), results.end(), inputs.begin());
    inputs.back() = gradient.data();
    fused_update<T, Running + 2, Running + 1>(slot.parameter->shape(), inputs, results, update);
}

/// a / b, and 0 where b is 0: a weight without a gradient so far does not move, whatever epsilon is.
template <class T>
Lanes<T> quotient_or_zero(const Lanes<T>& a, const Lanes<T>& b) {
    return where(equal(b, Lanes<T>(0)), Lanes<T>(0), a / b);
}

}  // namespace tapeloop::optim::detail
