#pragma once

#include <autograd/check/options.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tapeloop {

/// A report's verdict on a gradient.
enum class Diagnosis {
    sign,                   ///< the negative of the right one
    factor,                 ///< a multiple of it; the finding says what the factor equals
    transposed,             ///< the transposed one, or the product with a matrix that should be transposed
    exchanged,              ///< the right gradient of another input
    axis_not_summed,        ///< of a sum over an axis only one summand arrives
    axis_summed,            ///< summed, or averaged, over an axis that the input has
    wrong_axis,             ///< summed, or repeated, along another axis of the same extent
    time_step_missing,      ///< nothing arrives from one time step
    time_order,             ///< the time steps are in another order
    order,                  ///< the slices along another axis are
    first_step_only,        ///< only the first time step is right
    last_step_only,         ///< only the last time step is right
    time_step,              ///< some time steps are wrong
    gate,                   ///< the blocks of some gates are wrong, those of others right
    part,                   ///< some slices along an axis are wrong, the others right
    elements,               ///< some elements are wrong, in no slices
    region,                 ///< wrong only where the argument is negative, or large
    no_gradient,            ///< zero everywhere though the function depends on the input
    unasked_gradient,       ///< a gradient though the function does not depend on the input
    cotangent_ignored,      ///< what a cotangent of ones would give
    not_finite,             ///< NaN or infinite
    recorded_rule_differs,  ///< `gradient_graph` gives another value than `gradient`
    not_linear,             ///< a rule is not linear in the cotangent
    rule_changes,           ///< a rule gives something else when it runs again: it draws, or remembers
    asymmetric_hessian,     ///< <w, H z> differs from <z, H w>
    forward_differs,        ///< forward mode gives another derivative along a direction
    float_differs,          ///< in float it is another value or gradient than in double
    detached,               ///< all rules are right, but a value is used outside the recording
    unexplained,            ///< wrong in none of these ways
    kink,                   ///< one-sided differences disagree: nothing is wrong
    rounding,               ///< differences of no step are exact enough to tell: nothing is known to be wrong
    non_deterministic,      ///< two calls gave different values
};

/// `sign`, `time step missing`.
std::string_view name_of(Diagnosis diagnosis);
/// Returns whether a diagnosis makes a check fail: all do but `kink` and `rounding`.
bool is_mistake(Diagnosis diagnosis);

/// A report's verdict on an element.
enum class Verdict { right, kink, rounding, wrong };
/// The tolerance that is the largest at an element, and so decides.
enum class ToleranceRule { relative, absolute, rounding };
/// `right`, `kink`, `rounding` or `wrong`.
std::string_view name_of(Verdict verdict);
/// `relative`, `absolute` or `rounding`.
std::string_view name_of(ToleranceRule rule);

/// One element of a gradient.
struct CheckedElement {
    std::size_t index = 0;              ///< in row-major order
    std::vector<std::size_t> position;  ///< by axis
    std::string gate;                   ///< empty without `InputInfo::gates`
    std::optional<std::size_t> time_step;
    double tape = 0;        ///< the reverse sweep's value
    double numeric = 0;     ///< that of the differences
    double difference = 0;  ///< of these two
    double size = 0;        ///< of what was summed, along a direction
    double step = 0;        ///< of the differences
    double tolerance = 0;
    ToleranceRule rule = ToleranceRule::relative;
    Verdict verdict = Verdict::right;

    /// The differences at one step.
    struct Trial {
        double step;
        double central;
        double below;  ///< one-sided, from x - step to x
        double above;
    };
    /// The results of other steps; empty if the first was good enough.
    std::vector<Trial> sweep;

    /// `[3, 1], t=3, gate forget`
    std::string place() const;
};

/// The gradient by one input.
struct CheckedInput {
    std::string name;
    Shape shape;
    int order = 1;               ///< 2 for the gradient of the gradient
    std::size_t directions = 0;  ///< random directions that were tried; 0 if all elements were
    std::size_t failed_directions = 0;
    std::size_t undecided_directions = 0;  ///< at kinks, or lost in rounding
    double worst_direction = 0;            ///< the largest difference along one, relative to what it sums
    std::size_t compared = 0;      ///< elements compared, one by one or in a group that agrees as a whole
    std::size_t wrong = 0;         ///< of these
    std::size_t undecided = 0;     ///< of these, at a kink or lost in rounding
    std::size_t untold = 0;        ///< the undecided ones, and those that the tolerances hide
    double largest = 0;            ///< the largest magnitude of the tape's gradient
    double largest_deviation = 0;  ///< the largest difference between elements
    /// The largest difference over its tolerance first.
    std::vector<CheckedElement> worst;
};

/// A rule that was found to be wrong, and its place.
struct FaultyRule {
    std::string operation;     ///< `matmul`
    std::size_t argument = 0;  ///< whose cotangent is wrong
    std::string label;         ///< `layer0/t=3`
    std::string file;          ///< where the user called it; empty if it was given as f itself
    std::uint32_t line = 0;
    std::size_t others = 0;  ///< how many more rules are wrong, behind this one
};

/// One thing that the report has to say.
struct Finding {
    Diagnosis diagnosis;
    int order;          ///< 1, or 2 for the gradient of the gradient
    std::string input;  ///< the input's name; empty if it is about the function
    std::string text;   ///< a sentence
    double factor = 0;  ///< for `factor`
    std::optional<FaultyRule> rule = std::nullopt;
};

/// The derivative <u, J v> of <u, f> along a direction v of all inputs, by both modes.
struct ForwardComparison {
    double forward = 0;  ///< from J v
    double reverse = 0;  ///< from the gradient Jᵀ u
    double tolerance = 0;
};

/// The findings of a check, as a value.
struct GradientReport {
    std::uint64_t seed = 0;
    bool in_double = true;
    std::size_t result_elements = 0;
    std::size_t evaluations = 0;
    std::vector<CheckedInput> inputs;
    std::vector<Finding> findings;
    std::vector<std::string> warnings;
    /// Forward mode against the reverse sweep, if the options asked for it.
    std::optional<ForwardComparison> forward;
    /// The largest difference between what the tapes of float and of double gave, values and gradients, over
    /// the largest element; none unless both ran.
    std::optional<double> float_deviation;

    /// Returns whether nothing was found to be wrong. Kinks and rounding are not wrong.
    bool passed() const;
    /// Returns whether one of the findings has this diagnosis.
    bool has(Diagnosis diagnosis) const;
    /// The report for people, of bounded length.
    std::string text() const;
};

/// The report for other programs, as JSON. What is marked ? is left out where there is none; a number that is
/// not finite is "nan", "inf" or "-inf".
///
///     {"format": "tapeloop gradient report", "version": 1,
///      "passed": false,
///      "seed": 1, "type": "double", "evaluations": 18,
///      "results": 1,                 elements of f's results
///      "inputs": [INPUT, ...], "findings": [FINDING, ...], "warnings": ["...", ...],
///      "forward": {"forward": 1.5, "reverse": 1.5, "tolerance": 1e-6},         ?
///      "float_deviation": 2e-7}                                                ?
///
/// An INPUT, which a check of second order has twice, is
///
///     {"name": "W", "shape": [3, 4], "order": 1,
///      "compared": 12, "wrong": 12, "undecided": 0,     elements
///      "untold": 0,                  the undecided ones, and those that the tolerances hide
///      "directions": 0, "wrong_directions": 0, "undecided_directions": 0, "worst_direction": 0,
///      "largest": 2.5, "largest_deviation": 1.25,
///      "worst": [{"index": 7, "position": [1, 3], "time_step": 1 ?, "gate": "forget" ?,
///                 "tape": 2.5, "differences": 1.25, "difference": 1.25, "step": 6e-6,
///                 "tolerance": 2.5e-6, "tolerance_rule": "relative",           or "absolute", "rounding"
///                 "verdict": "wrong",                                  or "right", "kink", "rounding"
///                 "steps": [{"step": 1, "below": 1, "central": 1, "above": 1}, ...]}, ...]}     ?
///
/// and a FINDING, whose class is a name of `Diagnosis`,
///
///     {"class": "factor", "mistake": true, "order": 1, "input": "W" ?, "text": "...", "factor": 2 ?,
///      "rule": {"operation": "matmul", "argument": 1, "label": "layer0/t=3" ?,                  ?
///               "file": "model.hpp" ?, "line": 41 ?, "others": 0}}
std::string to_json(const GradientReport& report);

}  // namespace tapeloop
