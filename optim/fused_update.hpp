#pragma once

#include <autograd/pass.hpp>

namespace tapeloop::optim {

/// One pass over a parameter and all that belongs to it: `update(in, out)` gets a register of each input and
/// gives one of each result. A result may be one of the inputs.
template <class T, std::size_t In, std::size_t Out, class F>
void fused_update(const Shape& shape, const std::array<const T*, In>& inputs,
                  const std::array<T*, Out>& results, const F& update) {
    std::array<Layout, In + Out> layouts;
    layouts.fill(Layout{&shape});
    std::array<Target<T>, Out> targets;
    for (std::size_t k = 0; k < Out; ++k) targets[k] = {results[k], false};
    run_pass<T, In, Out>(shape, layouts, inputs, targets, update);
}

}  // namespace tapeloop::optim
