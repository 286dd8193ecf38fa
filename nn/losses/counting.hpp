#pragma once

#include <autograd/var.hpp>
#include <nn/losses/reduction.hpp>

#include <string_view>
#include <vector>

/// This file has what the losses share: which of their values count, and what a sum of them is divided by.
namespace tapeloop::nn::detail {

/// The options that all losses of single elements have.
struct Counting {
    Reduction reduction;
    const std::vector<std::size_t>& lengths;
};

/// Throws unless `lengths` is empty or fits `values` [T, B, ..], which the error calls `what`.
void require_lengths(std::string_view name, std::string_view what, const Shape& values,
                     const std::vector<std::size_t>& lengths);

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

}  // namespace tapeloop::nn::detail
