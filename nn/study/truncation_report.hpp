#pragma once

#include <nn/wrappers/any_layer.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop::nn {

/// The part that truncated backpropagation through time leaves out.
enum class Truncation {
    /// BPTT(k) (Williams and Peng 1990, with k' = 1): what the loss at time step t owes to a use of a weight
    /// at t' counts if t - t' < k. Every loss looks back over k steps, its own included.
    window,
    /// The sequence is cut into stretches of k steps, and the state is carried from one to the next (k = k'):
    /// it counts if t and t' lie in the same stretch.
    stretches,
};

/// A truncated gradient beside the full one.
struct TruncatedGradient {
    std::string parameter;  ///< its path; `all` for all of them as one long vector
    std::size_t k = 0;
    double norm = 0;          ///< of the truncated one
    double cosine = 1;        ///< of the angle between both; 1 if both are zero, 0 if one is
    double ratio = 1;         ///< of the norms, truncated to full; 1 if both are zero
    Tensor<double> gradient;  ///< the truncated one; empty for `all`
};

/// The findings of `truncation_report`, as a value.
struct TruncationReport {
    Truncation truncation = Truncation::window;
    std::size_t time_steps = 0;
    std::size_t batch = 0;
    double loss = 0;
    /// The names of what is compared: the parameters' paths, and `all`.
    std::vector<std::string> parameters;
    std::vector<std::size_t> k;
    /// The comparisons by parameter, in their order, for each k; `at` finds one.
    std::vector<TruncatedGradient> entries;
    /// The full gradients, by parameter.
    std::vector<Tensor<double>> full;
    /// The norm of what a loss owes to uses d steps back, over all losses, by d and then by parameter, `all`
    /// last: how far gradients reach.
    std::vector<std::vector<double>> by_distance;
    std::vector<std::string> warnings;

    /// Throws `std::invalid_argument` when there is none.
    const TruncatedGradient& at(std::string_view parameter, std::size_t k) const;
    /// A table for people: a line for each k, and norm, cosine and ratio for each parameter.
    std::string text() const;
    /// `parameter,k,norm,cosine,ratio` and a line for each entry.
    std::string csv() const;
};

/// Options of `truncation_report`.
struct TruncationOptions {
    Truncation truncation = Truncation::window;
};

namespace detail {

template <class T>
using LossOfOutputs = std::function<Var<T>(const Var<T>&)>;

TruncationReport truncation_of(AnyLayer<float> cell, const Tensor<float>& x, const LossOfOutputs<float>& loss,
                               const std::vector<std::size_t>& k, const TruncationOptions& options);
TruncationReport truncation_of(AnyLayer<double> cell, const Tensor<double>& x,
                               const LossOfOutputs<double>& loss, const std::vector<std::size_t>& k,
                               const TruncationOptions& options);

}  // namespace detail

/// Compares truncated backpropagation through time with the full gradient, for each k and parameter of a
/// cell.
///
///     const auto loss = [&](const auto& h) { return nn::softmax_cross_entropy(output(h), targets); };
///     fmt::print("{}", nn::truncation_report(cell, x, loss, {1, 2, 4, 8, 16}).text());
///
/// x is [T, B, I], and the sequence starts from the cell's initial state, in the cell's own type; the report
/// warns of a source in it that is empty. `loss` takes the outputs [T, B, H] and returns a single element;
/// the loss at t is what J owes to the outputs at t, so that J need not be a sum over time steps, and what it
/// owes to parameters of its own is not truncated. k >= T gives the full gradient, exactly.
///
/// The sequence is recorded once. One sweep differentiates all time steps at once and gives what every loss
/// owes to its own step, and the cotangents of the states before; each further sweep goes one step back for
/// all losses: T sweeps for all k of a window, k for each k of stretches.
///
/// Throws `std::invalid_argument` when x has another shape or no elements, there is no k or a k is 0, J has
/// several elements, or the cell has no parameters; and what a layer without single steps throws when it is
/// stepped.
template <class C, class Loss>
TruncationReport truncation_report(C&& cell, const Tensor<ValueOf<std::remove_reference_t<C>>>& x,
                                   const Loss& loss, const std::vector<std::size_t>& k,
                                   const TruncationOptions& options = {}) {
    using Plain = std::remove_reference_t<C>;
    static_assert(!std::is_const_v<Plain>,
                  "truncation_report lists the cell's parameters: it takes no const cell");
    using T = ValueOf<Plain>;
    return detail::truncation_of(AnyLayer<T>(std::ref(cell)), x, detail::LossOfOutputs<T>(std::cref(loss)), k,
                                 options);
}

/// Compares for a loss that weighs every element of the outputs at random, by the environment's
/// TAPELOOP_CHECK_SEED: for a first look at a cell.
template <class C>
TruncationReport truncation_report(C&& cell, const Tensor<ValueOf<std::remove_reference_t<C>>>& x,
                                   const std::vector<std::size_t>& k, const TruncationOptions& options = {}) {
    using Plain = std::remove_reference_t<C>;
    static_assert(!std::is_const_v<Plain>,
                  "truncation_report lists the cell's parameters: it takes no const cell");
    return detail::truncation_of(AnyLayer<ValueOf<Plain>>(std::ref(cell)), x, nullptr, k, options);
}

}  // namespace tapeloop::nn
