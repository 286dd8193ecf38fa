#pragma once

#include <nn/cells/elman_cell.hpp>
#include <nn/check/deviation.hpp>
#include <nn/layers/linear.hpp>
#include <nn/losses/losses.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tapeloop::nn {

struct CrossCheckOptions {
    double closed_form_limit = 1e-12;
    double difference_limit = 1e-6;
    /// At most so many elements of each parameter, spread over it, are checked by central differences.
    std::size_t differences = 100;
    /// Compare the contribution of every time step; takes a copy of the weights for each.
    bool time_steps = true;
    std::uint64_t seed = 0;
};

/// What `cross_check` found.
struct CrossCheck {
    std::size_t steps, batch, inputs, hidden, outputs;  ///< T, B, I, H, O
    double loss;                                        ///< J, by the tape
    CrossCheckOptions options;
    /// From the closed form, by parameter.
    std::vector<Deviation> closed_form;
    /// From the terms of the closed form: for each time step dJ~/dh, then by parameter.
    std::vector<std::vector<Deviation>> time_steps;
    /// From central differences, by parameter.
    std::vector<Deviation> differences;

    /// Whether all deviations are within the options' limits.
    bool agrees() const;
    /// A table of all this, for people.
    std::string text() const;
};

/// Checks backpropagation through time on an Elman network with softmax cross entropy: the gradients from the
/// tape against the closed form (`closed_form::elman_bptt`) in total and time step by time step, and against
/// central differences. x is [T, B, I], `targets` [T, B]; it starts from h(0) = 0.
///
/// Everything is computed in double, for a network of `float` too. A time step's contribution to a
/// parameter's gradient is the gradient by a copy of the parameter that this step alone uses. The step of the
/// differences is the cube root of the rounding unit times the element's size (at least 1); losses are
/// subtracted one by one before they are summed, so that a long sequence does not drown the difference, and a
/// smaller step is tried where one disagrees, since it may straddle a kink of relu.
///
/// A deviation is relative to the largest entry of the gradient. Where a gradient is the small remainder of
/// large summands, as at the end of training, it is relative to those: to the largest product that was
/// summed, and for the differences to what rounding of J alone can make of them.
///
/// Throws `std::invalid_argument` when shapes do not fit, a target is out of range, or T or B is 0.
template <class T>
CrossCheck cross_check(const ElmanCell<T>& cell, const Linear<T>& output, const Tensor<T>& x,
                       const Targets& targets, const CrossCheckOptions& options = {});

extern template CrossCheck cross_check(const ElmanCell<float>&, const Linear<float>&, const Tensor<float>&,
                                       const Targets&, const CrossCheckOptions&);
extern template CrossCheck cross_check(const ElmanCell<double>&, const Linear<double>&, const Tensor<double>&,
                                       const Targets&, const CrossCheckOptions&);

}  // namespace tapeloop::nn
