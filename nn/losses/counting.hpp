#pragma once

#include <autograd/var.hpp>
#include <nn/losses/reduction.hpp>
#include <nn/sequence/lengths.hpp>

#include <string_view>
#include <vector>

/// This file has what the losses share: which of their values count, and what a sum of them is divided by.
namespace tapeloop::nn::detail {

/// The options that all losses of single elements have.
struct Counting {
    Reduction reduction;
    const Lengths& lengths;
};

/// Throws unless `lengths` is empty or fits `values` [T, B, ..], which the error calls `what`.
void require_lengths(std::string_view name, std::string_view what, const Shape& values,
                     const Lengths& lengths);

/// Two arguments as an error calls them, `{"prediction is", shape, "target", other}`.
struct Pair {
    std::string_view first_is;
    const Shape& first;
    std::string_view second_is;
    const Shape& second;
};

/// Throws unless both have the same shape, `counting.lengths` fits it, and there is something to take the
/// mean of.
void require_pairs(std::string_view name, const Pair& pair, const Counting& counting);

/// Throws unless all weights are finite and at least 0.
void require_weights(std::string_view name, std::string_view what, const std::vector<double>& weights);

/// The losses, their sum, or their sum over `divisor`; `divisor` counts for the two means only.
template <class T>
Var<T> reduced(const Var<T>& losses, Reduction reduction, double divisor, const CallSite& site);

/// Reduces a loss of each element of [T, B, ..] or [B, ..].
template <class T>
Var<T> reduced_elements(const Var<T>& losses, const Counting& counting, const CallSite& site);

/// Throws unless the lengths, which are a slot, fit `scores` [T, B, .., O], of which `of_classes` says
/// whether its losses have weights or are left out by their class, for then what they are divided by is not
/// known.
void require_slot_fits(std::string_view name, const Shape& scores, const Counting& counting, bool of_classes);

/// A loss of scores [T, B, .., O] whose lengths are a slot: `losses_of(scores, options)` makes those of all
/// time steps, of zeros where one does not count.
template <class T, class Options, class LossesOf>
Var<T> reduced_over_slot(const Operand<T>& scores, const Options& options, const LossesOf& losses_of) {
    Options all = options;
    all.lengths = {};
    all.reduction = Reduction::none;
    const CallSite& site = scores.site();
    const Var<T> losses = losses_of(Operand<T>(mask_by_lengths(scores, options.lengths), site), all);
    return reduced_elements(losses, {options.reduction, options.lengths}, site);
}

}  // namespace tapeloop::nn::detail
