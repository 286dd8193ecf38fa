#pragma once

#include <autograd/check/options.hpp>
#include <nn/check/cell/found.hpp>
#include <nn/check/cell_runs.hpp>

namespace tapeloop::nn::detail {

/// Checks a sequence of 20 time steps, made of those of a batch, for what begins late or comes now and then:
/// `unroll` against steps, and the gradients against differences along directions.
template <class T>
Found long_sequence(const CellRuns<T>& runs, const Batch<T>& batch, const CheckOptions& options);

extern template Found long_sequence(const CellRuns<float>&, const Batch<float>&, const CheckOptions&);
extern template Found long_sequence(const CellRuns<double>&, const Batch<double>&, const CheckOptions&);

}  // namespace tapeloop::nn::detail
