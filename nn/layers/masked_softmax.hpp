#pragma once

#include <autograd/var.hpp>

namespace tapeloop::nn {

/// softmax of scores [.., S] over the last axis among those that are `open`: not 0 in a tensor that
/// broadcasts to the scores. The others get 0, whatever they are, and so do all where none is open; no
/// gradient passes to them or to `open`. Throws `std::invalid_argument` when the shapes do not fit.
Var<float> masked_softmax(const Operand<float>& scores, const Operand<float>& open);
Var<double> masked_softmax(const Operand<double>& scores, const Operand<double>& open);

}  // namespace tapeloop::nn
