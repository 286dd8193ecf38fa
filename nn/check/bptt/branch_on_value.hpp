#pragma once

#include <nn/check/bptt/verified_run.hpp>

#include <string>

namespace tapeloop::nn::detail {

/// Looks for a step that branches on a value, or computes with one that it took off the tape: no gradient
/// passes from row to row, and yet a row gives something else beside others. The gradient is right on both
/// sides of a branch, so nothing else that is verified sees it. Returns what to say; empty if nothing is
/// found, or there is nothing to compare.
template <class T>
std::string branch_on_value(const VerifiedRun<T>& run);

extern template std::string branch_on_value(const VerifiedRun<float>&);
extern template std::string branch_on_value(const VerifiedRun<double>&);

}  // namespace tapeloop::nn::detail
