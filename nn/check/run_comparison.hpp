#pragma once

#include <autograd/tensor.hpp>

#include <string>
#include <vector>

/// This file compares two runs of a cell.
namespace tapeloop::nn::detail {

using Tensors = std::vector<Tensor<double>>;

/// The results of a run: values, and gradients by x, by the parts of the initial state, and by each
/// parameter.
struct CellRun {
    Tensor<double> outputs;
    Tensors state;
    Tensor<double> by_x;
    Tensors by_state;
    Tensors by_parameter;
};

/// What differences are relative to, where the largest element of what is compared is smaller: a gradient
/// that is 0 in theory is as exact as what was summed, and a value as what it was computed of.
struct RunSizes {
    double values = 0;
    double by_x = 0;
    std::vector<double> by_state = {};
    std::vector<double> by_parameter = {};
};

/// Names for two runs, for when they differ.
struct RunNames {
    std::string first;
    std::string second;
};

/// How two runs compare.
struct RunComparison {
    std::vector<std::string> parameter_names = {};
    std::vector<std::string> state_names = {};  ///< `state`, or `state[0]`, ...
    std::vector<bool> is_batched = {};  ///< whether a part of the state has the batch as its first axis
    RunSizes sizes = {};

    /// Sets what is summed over rows to 0.
    void clear_sums(CellRun& run) const;

    /// The first thing in which two runs differ by more than `tolerance`, relative to its largest element or
    /// to `sizes`: `outputs at [2, 0, 1]: 0.3 by unroll, 0.2 step by step`. Empty if they agree.
    std::string difference(const CellRun& a, const CellRun& b, const RunNames& names, double tolerance) const;
    /// Says where two runs differ in what belongs to rows.
    std::string difference_of_rows(const CellRun& a, const CellRun& b, const RunNames& names,
                                   double tolerance) const;
    /// Says where two runs differ in what is summed over rows: the gradients by parameters, and by parts of
    /// the state without a batch.
    std::string difference_of_sums(const CellRun& a, const CellRun& b, const RunNames& names,
                                   double tolerance) const;
};

/// Says where two tensors differ by more than `tolerance`, relative to the largest element or to `size`;
/// empty if they agree.
std::string difference(const std::string& name, const Tensor<double>& a, const Tensor<double>& b,
                       const RunNames& names, double tolerance, double size = 0);

/// The largest magnitude among the finite elements of tensors.
double largest_finite(const Tensors& tensors);

}  // namespace tapeloop::nn::detail
