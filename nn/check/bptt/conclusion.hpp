#pragma once

#include <nn/check/bptt/verified_run.hpp>

namespace tapeloop::nn::detail {

/// Concludes from which ways agree what is wrong, if anything is, and looks closer at it.
template <class T>
void conclude(BpttReport& report, const VerifiedRun<T>& run);

extern template void conclude(BpttReport&, const VerifiedRun<float>&);
extern template void conclude(BpttReport&, const VerifiedRun<double>&);

}  // namespace tapeloop::nn::detail
