#pragma once

#include <autograd/check/report.hpp>
#include <nn/check/deviation.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tapeloop::nn {

/// A report's verdict on a time step.
enum class StepVerdict {
    right,
    inherits,  ///< right by itself, but the cotangent of its state is wrong when it gets there
    wrong      ///< wrong by itself: it makes something else of the cotangents that reach it
};

/// One time step by the tape, against another way, both given the cotangents that reach it on the tape.
struct StepCheck {
    StepVerdict verdict = StepVerdict::right;
    /// The deviations of its part of each parameter's gradient, of dJ/dx, and of what it hands back to each
    /// part of the state that it reads.
    std::vector<Deviation> deviations;
};

/// A way to the gradient, against the tape.
struct BpttWay {
    std::string name;  ///< `closed form`, `forward mode`, `differences`
    double limit = 0;  ///< of its relative deviations
    /// The deviations of the gradients by each parameter, by x, and by each part of the initial state. Those
    /// of `differences` are judged one by one, in `BpttReport::differences`.
    std::vector<Deviation> totals;
    std::vector<StepCheck> time_steps;

    /// Returns whether the gradients of the whole sequence agree with the tape's.
    bool totals_agree() const;
    /// Returns whether those of every time step do.
    bool steps_agree() const;
};

/// The first time step, from the last one back, at which the tape parts from another way.
struct Divergence {
    std::size_t time_step = 0;
    std::string way;
    std::string gate;  ///< of the packed element; empty if there is none
    double limit = 0;
    Deviation deviation;            ///< its name, its place, and both values
    std::vector<std::string> also;  ///< what else is wrong at this time step

    /// `t=3, U, row 2, column 7, gate forget: tape 0.25, forward mode 0.5`
    std::string text() const;
};

/// The findings of `verify_bptt`, as a value.
struct BpttReport {
    std::uint64_t seed = 0;
    bool in_double = true;
    std::size_t time_steps = 0;
    std::size_t batch = 0;
    std::optional<double> loss;  ///< J, by the tape; none unless the loss is one number
    std::vector<BpttWay> ways;
    GradientReport differences;  ///< of the whole sequence
    std::optional<Divergence> first_divergence;
    /// The comparison with differences, and its diagnosis: of that time step by itself, if it is wrong on a
    /// tape of its own, else of the whole sequence. None if nothing is wrong.
    std::optional<GradientReport> details;
    std::vector<std::string> findings;  ///< what is wrong, in sentences
    std::vector<std::string> warnings;

    /// Returns whether nothing was found to be wrong.
    bool passed() const;
    /// Returns the worst verdict that any of the ways gave the time step.
    StepVerdict verdict_of(std::size_t time_step) const;
    /// The report for people, of bounded length.
    std::string text() const;
};

/// The report for other programs, as JSON. What is marked ? is left out where there is none:
///
///     {"format": "tapeloop BPTT report", "version": 1,
///      "passed": false, "seed": 1, "type": "double",
///      "time_steps": 5, "batch": 2, "loss": 1.5 ?,
///      "ways": [{"name": "forward mode", "limit": 1e-11, "totals": [DEVIATION, ...],
///                "time_steps": [{"verdict": "right",                        or "inherits", "wrong"
///                                "deviations": [DEVIATION, ...]}, ...]}, ...],
///      "differences": {...}, "details": {...} ?,     as `to_json` of a `GradientReport` writes them
///      "first_divergence": {"time_step": 3, "way": "forward mode", "gate": "forget" ?,
///                           "deviation": DEVIATION, "also": ["W", ...]},                       ?
///      "findings": ["...", ...], "warnings": ["...", ...]}
///
/// and a DEVIATION, of the gradient by `name`, is
///
///     {"name": "U", "shape": [2, 3], "compared": 6, "largest": 2.5, "scale": 2.5,
///      "relative": 1e-16, "at": [1, 0], "tape": 2.5, "other": 2.5}
std::string to_json(const BpttReport& report);

}  // namespace tapeloop::nn
