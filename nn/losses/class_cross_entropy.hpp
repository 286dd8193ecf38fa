#pragma once

#include <autograd/var.hpp>
#include <nn/losses/classes.hpp>

namespace tapeloop::nn::detail {

/// -log softmax(logits)[class] of each row, 0 where it is ignored, without a loss of digits where the class
/// is nearly certain. One operation.
template <class T>
Var<T> class_cross_entropy(const Operand<T>& logits, std::shared_ptr<const Classes> classes);

}  // namespace tapeloop::nn::detail
