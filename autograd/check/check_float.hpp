#pragma once

#include <autograd/check/judge/subject.hpp>
#include <autograd/check/report.hpp>

namespace tapeloop::detail {

/// Holds the tape of float against that of double, for a function that was checked in double: values and
/// gradients at the same numbers, those of the float inputs. What rounding can do is found out by a tape of
/// double all of whose values and cotangents are rounded to float, operation by operation; only what float
/// does beyond that, and does again beside the inputs, is a mistake.
void check_float(GradientReport& report, const CheckFunction<float>& in_float,
                 const CheckInputs<float>& float_inputs, const CheckFunction<double>& in_double,
                 const CheckInputs<double>& double_inputs);

}  // namespace tapeloop::detail
