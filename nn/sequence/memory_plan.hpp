#pragma once

#include <cstddef>
#include <vector>

namespace tapeloop::nn::detail {

/// How a sequence is parted so that its gradient needs no more than some bytes at once: into stretches that
/// are dropped and computed again from a state that is kept at their beginning. Stretches of stretches need
/// fewer states, and are computed again more often (binomial checkpoints; Griewank and Walther 2000).
struct MemoryPlan {
    std::size_t stretch = 1;  ///< time steps that are recorded at once
    std::size_t states = 0;   ///< that are kept at once, at most
    std::size_t depth = 0;    ///< how often a time step is computed again, at most; 0 if nothing is dropped

    /// Returns the plan that computes least again within `memory` bytes, for `count` time steps of
    /// `step_bytes` each and states of `state_bytes`. Throws `std::invalid_argument` when there is none.
    static MemoryPlan within(std::size_t memory, std::size_t count, std::size_t step_bytes,
                             std::size_t state_bytes);
    /// Returns the plan of the i-th part, of `count` time steps.
    MemoryPlan of_part(std::size_t i, std::size_t count) const;
    /// Returns how many time steps such a plan is enough for.
    std::size_t capacity() const;
    /// Parts `count` time steps, which must be within the capacity; each part is within that of its plan.
    std::vector<std::size_t> parts(std::size_t count) const;
};

}  // namespace tapeloop::nn::detail
