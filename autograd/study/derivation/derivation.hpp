#pragma once

#include <autograd/gradient.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tapeloop {

/// Options of `derivation`.
struct DerivationOptions {
    /// A derivation is for reading: graphs with more operations are refused.
    std::size_t largest_graph = 200;
    /// Tensors with up to so many elements are printed in full, larger ones by shape and norm.
    std::size_t printed_elements = 9;
    /// Significant digits.
    int digits = 4;
    /// The width at which lines are broken, of the text and of LaTeX's equations.
    std::size_t line_width = 100;
};

/// The term that one user of a node hands back to it.
struct DerivationTerm {
    NodeIndex user;
    std::string text;     ///< `h₁ᵀ ∂J/∂a₂`
    std::string numbers;  ///< the same with numbers; empty where they would not be readable
    std::string at_any_time;  ///< the same for any step, `hₜ₋₁ᵀ ∂J/∂aₜ`; empty outside of time steps
    std::optional<std::size_t> time_step;  ///< of the user
    Tensor<double> value;
};

/// One line of a derivation, or a few that belong together.
struct DerivationStep {
    NodeIndex node;
    std::string left;  ///< `h₂`, or `∂J/∂h₂`
    /// The equation, or one term for each user, whose sum it is.
    std::vector<DerivationTerm> terms;
    Tensor<double> value;
};

/// The chain rule of a small graph, worked out: what is given, the values in the order in which they are
/// computed, the cotangents in the order in which they follow from each other, and the gradients asked for.
/// Time steps count from 1, and 0 is the initial state.
struct Derivation {
    std::string of;  ///< what is differentiated: `J`
    std::vector<DerivationStep> given;
    std::vector<DerivationStep> forward;
    std::vector<DerivationStep> backward;
    std::vector<DerivationStep> gradients;  ///< in the order in which they were asked for
    DerivationOptions options;

    /// Returns the text for a terminal, in Unicode.
    std::string text() const;
    /// Returns the text for a document that loads amsmath: `align*` environments under `\paragraph` headings.
    std::string latex() const;
};

/// Derives dJ/d(each of wrt) step by step, in symbols and in numbers: an answer key for exercises.
///
///     const Tape<double> tape({.fuse = false});
///     const auto unrolled = unroll(cell, x, h0, {.hoist = false});
///     fmt::print("{}", derivation(J, {cell.W}).text());
///
/// Recorded so, an Elman network ends in the closed form's terms, dJ/dW = Σ h(t-1)ᵀ dJ/da(t). Names are the
/// parameters', those that `Var::named` gave (a digit at the end becomes a subscript), or made up by role: x
/// for input, a for what goes into an activation, h for what comes out of it, and so on. Throws
/// `std::invalid_argument` when J has several elements or its graph is larger than the options allow, and
/// `std::logic_error` when `wrt` is a `Var` of another tape or a parameter was changed after it was recorded.
Derivation derivation(const Var<float>& J, const WrtList<float>& wrt, const DerivationOptions& options = {});
Derivation derivation(const Var<double>& J, const WrtList<double>& wrt,
                      const DerivationOptions& options = {});

}  // namespace tapeloop
