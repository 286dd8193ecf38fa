#pragma once

#include <autograd/tape.hpp>

#include <functional>
#include <vector>

namespace tapeloop::detail {

/// Computes what `compute` returns on the current tape and keeps that alone: the nodes on the way are taken
/// back, and computed again when a sweep comes to them. `nn::recomputed` says the rest.
template <class T>
std::vector<Var<T>> recomputed(std::function<std::vector<Var<T>>()> compute, const CallSite& site);

extern template std::vector<Var<float>> recomputed(std::function<std::vector<Var<float>>()>, const CallSite&);
extern template std::vector<Var<double>> recomputed(std::function<std::vector<Var<double>>()>,
                                                    const CallSite&);

}  // namespace tapeloop::detail
