#pragma once

#include <cstddef>
#include <string_view>

namespace tapeloop {

/// The kind of thing that an operation does with its inputs, as far as it matters to those who read a
/// recording.
enum class OperationKind {
    other,
    parameter,    ///< a leaf: a `Parameter`
    constant,     ///< a leaf: a value that was given
    detached,     ///< a leaf: a value that was cut off from what made it
    result,       ///< one of several results of the operation that is its only input
    split,        ///< its results are the parts of its input
    join,         ///< its inputs are the parts of its result
    slice,        ///< its result is a part of its input
    layout,       ///< moves, repeats, adds up or averages elements, and changes none but by a constant
    addition,     ///< a + b
    subtraction,  ///< a - b
    factor,       ///< an elementwise product
    quotient,     ///< an elementwise quotient
    product,      ///< a product of matrices or vectors
    comparison,   ///< 1 where something holds and 0 elsewhere
    condition,    ///< chooses between its other inputs by its first
    activation,   ///< what layers apply to their sums
    error,        ///< 0 at its minimum, where its slope is 0 too: a loss, a square, a norm
    fused,        ///< a function of the user's, in one pass
};

/// The values that a function approaches where its slope goes to 0; none if `high` is not above `low`.
struct Limits {
    double low = 0;
    double high = 0;
    /// True if it is e to the function's value that approaches them.
    bool of_exponential = false;

    /// Returns whether there are limits.
    constexpr bool any() const { return low < high; }
};

/// The text that an operation says about itself, to people and to what explains recordings to them.
///
///     static constexpr Description description{.equation = "y = tanh(x)",
///                                              .rules = {{"x", "g ⊙ (1 - y²)"}},
///                                              .kind = OperationKind::activation,
///                                              .limits = {-1, 1}};
///
/// y is the result and g its cotangent; a ⊙ b multiplies elements and a b matrices; where, elsewhere and Σ go
/// over the elements, or along the axes that the operation was called with. That a cotangent is summed over
/// axes along which its argument was broadcast is not said: the sweep does it for every operation. `latex`
/// (autograd/study/derivation/latex.hpp) typesets both. The texts are string literals, or live as long.
struct Description {
    /// The way in which the cotangent of one argument follows from g.
    struct Rule {
        std::string_view argument = {};   ///< what the equation calls it: `x`
        std::string_view cotangent = {};  ///< `g ⊙ (1 - y²)`; `0` if none is handed on

        /// Returns whether the cotangent is handed on as it is.
        constexpr bool is_unchanged() const { return cotangent == "g"; }
        /// Returns whether no cotangent is handed on.
        constexpr bool is_nothing() const { return cotangent == "0"; }
    };
    static constexpr std::size_t most_rules = 8;

    std::string_view equation = {};  ///< `y = tanh(x)`; empty if it is not known
    /// One for each argument, in their order. One whose argument is `xᵢ` stands for any number of them, which
    /// the equation calls x₁, x₂, …
    Rule rules[most_rules] = {};
    OperationKind kind = OperationKind::other;
    /// True if element i of the result depends on element i of each argument alone. An elementwise definition
    /// need not say it.
    bool is_elementwise = false;
    /// The values at which it saturates.
    Limits limits = {};
    /// The condition under which a function that otherwise hands each element's cotangent on as it is does
    /// not: `x <= 0`.
    std::string_view stops = {};
    /// True if its values are used as gates, which scale other values by 0 to 1.
    bool is_gate = false;
    /// True if it fills places with an infinity on purpose, which a watch then lets pass.
    bool fills_with_infinity = false;
    /// The letter by which a textbook calls its result; empty for no particular letter.
    std::string_view letter = {};

    /// Returns the number of arguments that have a rule.
    constexpr std::size_t rule_count() const {
        std::size_t count = 0;
        while (count < most_rules && !rules[count].argument.empty()) ++count;
        return count;
    }
    /// Returns whether its last rule is for all the rest: its arguments are x₁, x₂, ...
    constexpr bool takes_any_number() const {
        const std::size_t count = rule_count();
        return count > 0 && rules[count - 1].argument.find("ᵢ") != std::string_view::npos;
    }
    /// The rule of argument `k`; null when nothing is handed to it.
    constexpr const Rule* rule(std::size_t k) const {
        const std::size_t count = rule_count();
        if (k < count) return &rules[k];
        return takes_any_number() ? &rules[count - 1] : nullptr;
    }
};

namespace detail {

/// The description of an operation that says nothing.
inline constexpr Description no_description;

/// The description that a definition has as a constant; nothing if it has none. One without a `shape` is
/// elementwise.
template <class Def>
inline constexpr Description constant_description = [] {
    Description own;
    if constexpr (requires { Def::description.equation; }) own = Def::description;
    own.is_elementwise = own.is_elementwise || !requires { &Def::shape; };
    return own;
}();

/// True if what a definition says depends on what the operation was called with: it has a function
/// `description()`.
template <class Def>
concept DescribedByCall = requires(const Def& def) {
    def.description();
};

template <class Def>
const Description& description_of(const Def& def) {
    if constexpr (DescribedByCall<Def>)
        return def.description();
    else
        return constant_description<Def>;
}

/// A copy that lives as long as the program, its texts too; one for all that are equal.
const Description& kept_description(const Description& description);

}  // namespace detail
}  // namespace tapeloop
