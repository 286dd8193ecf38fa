#pragma once

#include <autograd/check/input.hpp>

#include <cstdint>
#include <optional>

namespace tapeloop {

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

    /// Inputs with more elements are checked in random directions first.
    std::size_t full_limit = 20'000;
    /// The number of directions, at least one.
    std::size_t directions = 8;
    /// The number of an input's elements that are checked one by one when a direction fails: all, up to this
    /// many, and beyond it as many that are spread over the input.
    std::size_t elements_after_failure = 100'000;

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
