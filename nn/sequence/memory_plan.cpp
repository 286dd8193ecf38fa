#include <fmt/format.h>
#include <nn/sequence/memory_plan.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tapeloop::nn::detail {

namespace {

constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();
// Every level computes everything once more; who needs more of them has too little memory.
constexpr std::size_t greatest_depth = 16;

std::size_t times(std::size_t a, std::size_t b) { return a != 0 && b > unbounded / a ? unbounded : a * b; }

/// The binomial coefficient of `states` + `depth` over `depth`.
std::size_t stretches(std::size_t states, std::size_t depth) {
    std::size_t count = 1;
    for (std::size_t k = 1; k <= depth; ++k) {
        if (count > unbounded / (states + k)) return unbounded;
        count = count * (states + k) / k;
    }
    return count;
}

}  // namespace

std::size_t MemoryPlan::capacity() const { return times(stretch, stretches(states, depth)); }

MemoryPlan MemoryPlan::within(std::size_t memory, std::size_t count, std::size_t step_bytes,
                              std::size_t state_bytes) {
    if (times(count, step_bytes) <= memory) return {std::max<std::size_t>(count, 1), 0, 0};
    for (std::size_t depth = 1; depth <= greatest_depth; ++depth)
        // The longest stretch that leaves room for enough states: there are fewest of them.
        for (std::size_t stretch = std::min(count, memory / std::max<std::size_t>(step_bytes, 1));
             stretch > 0; stretch = stretch > 64 ? stretch - stretch / 64 : stretch - 1) {
            const std::size_t room = memory - stretch * step_bytes;
            const MemoryPlan plan{stretch, room / std::max<std::size_t>(state_bytes, 1), depth};
            if (plan.states > 0 && plan.capacity() >= count) return plan;
        }
    throw std::invalid_argument(
        fmt::format("unroll: {} bytes are too few for {} time steps: one takes {} bytes, and a state that is "
                    "kept {}",
                    memory, count, step_bytes, state_bytes));
}

MemoryPlan MemoryPlan::of_part(std::size_t i, std::size_t count) const {
    MemoryPlan part{stretch, states - i, 0};
    while (part.depth + 1 < depth && part.capacity() < count) ++part.depth;
    return part;
}

std::vector<std::size_t> MemoryPlan::parts(std::size_t count) const {
    // As few as possible are computed again `depth` times: every part gets what it can hold with one time
    // less, and only then some of them more.
    std::vector<std::size_t> lengths;
    std::size_t left = count;
    const auto capacity_with = [this](std::size_t i, std::size_t levels) {
        return MemoryPlan{stretch, states - i, levels}.capacity();
    };
    for (std::size_t i = 0; i <= states && left > 0; ++i) {
        lengths.push_back(depth < 2 ? std::min(left, stretch) : std::min(left, capacity_with(i, depth - 2)));
        left -= lengths.back();
    }
    for (std::size_t i = 0; i < lengths.size() && left > 0; ++i) {
        const std::size_t more = std::min(left, capacity_with(i, depth - 1) - lengths[i]);
        lengths[i] += more;
        left -= more;
    }
    return lengths;
}

}  // namespace tapeloop::nn::detail
