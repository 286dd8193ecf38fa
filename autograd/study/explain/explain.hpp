#pragma once

#include <autograd/gradient.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapeloop {

/// Options of `explain`.
struct ExplainOptions {
    /// A gradient vanishes when it is below this, per element, both as it is and relative to the loss before
    /// averages and constant factors.
    double vanishing_below = 1e-5;
    /// A gradient is huge when it is above this in the same two senses.
    double huge_above = 1e4;
    /// The number of lines in which the text shows the time steps of the path, and of those for what lies
    /// outside of them.
    std::size_t shown_steps = 12;
};

/// The size of a gradient, per element.
enum class GradientSize {
    zero,        ///< every element is exactly 0
    vanishing,   ///< see `ExplainOptions::vanishing_below`
    usual,       ///< none of the others
    huge,        ///< see `ExplainOptions::huge_above`
    not_finite,  ///< an element is NaN or infinite
};

/// The reason why a cotangent collapses or grows.
enum class Cause {
    saturated,     ///< a tanh, sigmoid or softmax near its limits
    dead,          ///< a relu, clip or maximum whose slope is 0 nearly everywhere
    masked,        ///< multiplied by 0 nearly everywhere, or the branch that `where` did not take
    closed_gate,   ///< multiplied by a gate that is nearly 0
    factor,        ///< multiplied or divided by other small or large values
    weights,       ///< a product with a matrix of small or large spectral norm
    slope,         ///< any other operation whose slope is not about 1
    inside_map,    ///< within a fused `map`
    long_product,  ///< many time steps that each shrink or stretch it a little
    cancellation,  ///< what several users hand back adds up to little
    accumulation,  ///< what several users hand back adds up to much
    averaging,     ///< means, and sums over parts
    at_minimum,    ///< a loss whose slope is 0
    underflow,     ///< too small a number for the element type
    overflow,      ///< too large a number for the element type
    not_a_number,  ///< an operation gives NaN
    no_gradient,   ///< an operation that hands nothing on, such as a comparison
    detached,      ///< `detach` ends the path
    unused,        ///< J does not depend on it
};

/// `closed_gate` as `closed gate`.
std::string_view name_of(Cause cause);
/// Returns the name of a size, such as `vanishing`.
std::string_view name_of(GradientSize size);

/// One operation on the way back from J. Norms are per element: the root of the mean square.
struct PathStep {
    NodeIndex node;   ///< whose rules hand the cotangent on
    NodeIndex input;  ///< to which of its arguments
    std::string operation;
    std::optional<std::size_t> time_step;
    std::string place;    ///< `tanh (cell.hpp:42, encoder/t=3)`
    double in;            ///< the cotangent of the node
    double out;           ///< what it hands to this argument
    double sum;           ///< the cotangent of the argument, what its other users hand to it included
    Cause cause;          ///< of the factor out / in
    std::string finding;  ///< what was seen there, in words; may be empty
    OperationKind kind = OperationKind::other;  ///< of the operation

    /// out / in; 1 where nothing arrives.
    double factor() const { return in > 0 ? out / in : 1; }
};

/// A part of what accounts for the size of a gradient: all steps of one operation with one cause.
struct Culprit {
    Cause cause;
    NodeIndex node;    ///< the step that does most of it
    std::string text;  ///< one line for people
    double decades;    ///< by how many powers of ten it changes the gradient; minus infinity where it ends
    std::size_t steps = 1;
    /// The ways in which it can belong to the list. Those that are not parts add up to the change along the
    /// whole path.
    enum class Place {
        whole,   ///< a change of its own
        part,    ///< a part of the long product above it
        beside,  ///< no part of the path: another way that is closed, around which it goes
    };
    Place place = Place::whole;  ///< how it belongs to the list
};

/// The answer of `explain`.
struct Explanation {
    std::string of;  ///< what was asked about: `parameter 'W'`
    GradientSize size = GradientSize::usual;
    double gradient = 0;  ///< per element: the root of the mean square
    double relative = 0;  ///< the same, relative to the loss before averages and constant factors
    /// The path from J to what was asked about, by the steps with the largest factors. Empty when there is no
    /// path.
    std::vector<PathStep> path;
    /// The culprits, the one that accounts most for the size first; of a usual gradient, the one that changes
    /// it most.
    std::vector<Culprit> culprits;
    double decades = 0;  ///< by how many powers of ten the path changes the cotangent, averages left out
    std::size_t shown_steps = 0;

    /// Writes size, culprits and path, in at most about 40 lines.
    std::string text() const;
};

/// Explains why a gradient is zero, or huge. Follows the cotangent from J, which has one element, back to
/// `of`, a parameter or a `Var`, along the path with the largest factors, measures it before and after every
/// operation, and names the operations where it collapses or grows, and why.
///
///     fmt::print("{}", explain(J, h0).text());
///
/// It works on any tape; on one recorded with `fuse = false` it sees inside `map` as well. Memory grows
/// linearly with the tape, and time too, unless many operations read nodes far in front of them, as all time
/// steps do of an input product that was done before the loop: then with the square. Throws
/// `std::invalid_argument` when J has several elements, and `std::logic_error` when `of` is a `Var` of
/// another tape or a parameter was changed after it was recorded.
Explanation explain(const Var<float>& J, const Wrt<float>& of, const ExplainOptions& options = {});
Explanation explain(const Var<double>& J, const Wrt<double>& of, const ExplainOptions& options = {});

}  // namespace tapeloop
