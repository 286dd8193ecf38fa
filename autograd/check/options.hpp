#pragma once

#include <autograd/check/input.hpp>

#include <cstdint>
#include <optional>

namespace tapeloop {

/// What a gradient check compares: `automatic` all elements of small inputs, and directions of large ones.
enum class CheckMode { automatic, elements, directions, both };

/// Options of a gradient check. All have defaults; a tolerance or step of 0 stands for the one that suits the
/// type.
struct CheckOptions {
    /// 1: the gradient. 2: also the gradient of the gradient, Jacobian-vector against vector-Jacobian
    /// products, and the Hessian's symmetry.
    int order = 1;
    /// The seed of random cotangents and directions; without one, the environment's TAPELOOP_CHECK_SEED,
    /// or 1.
    std::optional<std::uint64_t> seed = std::nullopt;

    /// A difference passes if it is below any of: `relative` times the larger of both values (1e-6; float:
    /// 0.02), `absolute` (1e-8; float: 1e-3), and what rounding of the results alone can make of it.
    double relative = 0;
    double absolute = 0;
    /// The step of the central differences is this, the cube root of epsilon by default, times max(1, |x|).
    double step = 0;

    /// What is compared. Elements are looked for where a direction fails, in every mode.
    CheckMode mode = CheckMode::automatic;
    /// With `automatic`, inputs with more elements are checked in random directions, and so are the larger
    /// ones of a function that computes so much that all elements would take more than about a second.
    std::size_t full_limit = 2'000;
    /// The number of directions, at least one.
    std::size_t directions = 8;
    /// The largest number of an input's elements that are compared one by one when a direction fails. Few
    /// wrong ones are found by halving; of many, a sample is compared that is spread over the input.
    std::size_t elements_after_failure = 4'000;
    /// After so many seconds no more elements are compared, and the report warns of it.
    double seconds = 10;
    /// Check at other points too, with one direction by each input: beside the inputs, where a rule that
    /// remembers is wrong, and at each of `scales` times them.
    bool elsewhere = true;
    std::vector<double> scales = {-1, 8};
    /// Each tensor filled with each of these is a further point, such as the bounds that a function has.
    std::vector<double> stock_values = {};
    /// Hold forward mode against the reverse sweep as well, along a random direction of all inputs: <u, J v>.
    /// Forward mode here is the derivative of the recorded gradient by its cotangent, for any function.
    bool forward = false;
    /// By so much, relative to the largest, may two calls of f with the same inputs differ; differences are
    /// then no better than that.
    double nondeterminism = 0;

    /// The number of each input's elements that the report keeps, the worst first.
    std::size_t worst = 5;
    /// Look for the class of a mistake, and for the operation whose rule it is.
    bool diagnose = true;
    /// Names for the axes of the function's result.
    InputInfo result = {};
};

namespace detail {

/// The options' seed, or the environment's, or 1.
std::uint64_t seed_of(const CheckOptions& options);

}  // namespace detail
}  // namespace tapeloop
