#pragma once

#include <autograd/check/report.hpp>

#include <functional>
#include <optional>

/// This file concludes from wrong values what is wrong with the rule.
namespace tapeloop::detail {

/// A gradient that is wrong, with all that is known of it.
struct Evidence {
    Shape shape;
    InputInfo info;
    std::vector<double> values;  ///< of the argument; empty if they are not known
    std::vector<double> tape;
    std::vector<double> numeric;
    /// The largest difference allowed, element by element; negative where the numeric value tells nothing.
    std::vector<double> tolerance;

    /// The results through which the input acts, their elements one behind the other.
    struct Result {
        Shape shape;
        InputInfo info;
    };
    std::vector<Result> results;
    std::vector<double> cotangent;
    /// d result / d input, [input elements, result elements]; empty if it would be too large.
    std::vector<double> jacobian;

    /// A number that a factor may equal: `batch size of x` and 4.
    struct Extent {
        std::string name;
        std::size_t extent;
    };
    std::vector<Extent> extents;

    /// The right gradients by other inputs of the same shape.
    struct Other {
        std::string name;
        std::vector<double> numeric;
    };
    std::vector<Other> others;
};

/// The class of a mistake, and how it shows.
struct Diagnosed {
    Diagnosis diagnosis;
    std::string text;
    double factor = 0;
};

/// The first class that fits; nothing if none does.
std::optional<Diagnosed> diagnosed(const Evidence& evidence);

/// `axis 0 (time)`
std::string axis_text(const InputInfo& info, std::size_t axis);
/// Returns the axis called `time`, if one is.
std::optional<std::size_t> time_axis(const InputInfo& info);

}  // namespace tapeloop::detail
