#pragma once

#include <autograd/gradient.hpp>

namespace tapeloop::optim {

/// Scales all gradients by one factor so that their common Euclidean norm is at most `max_norm`, and returns
/// the norm that they had (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063). The factor is max_norm / (norm
/// + 1e-6), as PyTorch's is, where that is below 1. A parameter that was asked for twice counts once. A norm
/// that double does not hold is returned as infinity, and clipped all the same. Throws
/// `std::invalid_argument`, and changes nothing, when max_norm is negative or NaN, or a gradient holds a NaN
/// or an infinity.
double clip_by_norm(Gradients<float>& gradients, double max_norm);
double clip_by_norm(Gradients<double>& gradients, double max_norm);

}  // namespace tapeloop::optim
