#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop {

/// How the cotangent of one argument follows from g, the result's.
struct Rule {
    std::string_view argument;   ///< what the equation calls it: `x`
    std::string_view cotangent;  ///< `g ⊙ (1 - y²)`
};

/// What an operation computes, and its rules, as text for people.
///
/// y is the result and g its cotangent; a ⊙ b multiplies elements and a b matrices; where, elsewhere and Σ go
/// over the elements, or along the axes that the operation was called with. That a cotangent is summed over
/// axes along which its argument was broadcast is not said: the sweep does it for every operation.
/// `latex` (autograd/study/derivation/latex.hpp) typesets both.
struct Formula {
    std::string_view operation;
    std::string_view equation;  ///< `y = tanh(x)`
    /// One for each argument, in their order; where the operation takes more, the last is for all the rest.
    /// Empty when it takes none, or hands nothing on.
    std::vector<Rule> rules;
    /// How `Operation::arguments()` starts for this one of several: `a transposed`.
    std::string_view called_with = {};

    /// The rule of argument `k`; null when nothing is handed to it.
    const Rule* rule(std::size_t k) const;
    /// Whether its last rule is for all the rest: its arguments are x₁, x₂, ...
    bool takes_any_number() const;
};

/// The formula of an operation of the library, by its name and by what it was called with besides its inputs,
/// as `Operation` gives them. Null for operations of the user's: see `custom`.
const Formula* formula_of(std::string_view operation, std::string_view called_with = {});

/// All of them.
std::span<const Formula> all_formulas();

/// The text cut into words, each with its subscripts, and single other characters.
std::vector<std::string_view> pieces_of(std::string_view formula);

/// An equation or a rule with other names for its letters: `{"x", "a₁"}` makes tanh(a₁) of tanh(x). A name
/// that is an expression gets parentheses where it needs them.
std::string renamed(std::string_view formula, const std::map<std::string, std::string, std::less<>>& names);

}  // namespace tapeloop
