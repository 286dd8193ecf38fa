#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace tapeloop::optim::detail {

/// Numbers next to each other: of shards, of rows, of elements.
struct Part {
    std::size_t first;
    std::size_t last;  ///< behind the last one

    std::size_t size() const { return last - first; }
    bool operator==(const Part&) const = default;
};

/// The i-th of `parts` parts of 0, ..., size - 1, which differ by one at most in length.
Part part_of(std::size_t size, std::size_t i, std::size_t parts);

/// The tree in which shards are summed, a matter of their number alone: of more than one, the left half has
/// the largest power of two that is less than all.
std::size_t middle_of(const Part& node);

/// The largest nodes of the tree over `all` in which there are `own` shards only, from left to right: what a
/// rank can sum before it needs others.
std::vector<Part> largest_nodes(const Part& own, const Part& all);

/// Sums over the tree: `value(node)` where `is_given(node)`, else `add(left, right)` of its halves.
template <class IsGiven, class Value, class Add>
auto sum_of(const Part& node, const IsGiven& is_given, const Value& value, const Add& add)
    -> decltype(value(node)) {
    if (is_given(node)) return value(node);
    const std::size_t middle = middle_of(node);
    auto left = sum_of({node.first, middle}, is_given, value, add);
    auto right = sum_of({middle, node.last}, is_given, value, add);
    return add(std::move(left), std::move(right));
}

}  // namespace tapeloop::optim::detail
