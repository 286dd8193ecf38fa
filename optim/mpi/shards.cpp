#include <fmt/format.h>
#include <optim/mpi/shard.hpp>
#include <optim/mpi/shards.hpp>

#include <bit>
#include <stdexcept>

namespace tapeloop::optim {

void Shard::require_batch(std::size_t size) const {
    if (size != batch)
        throw std::invalid_argument(fmt::format(
            "Shard::of: the list has {} elements and the batch {} rows; there must be one for each", size,
            batch));
}

namespace detail {

Part part_of(std::size_t size, std::size_t i, std::size_t parts) {
    return {size * i / parts, size * (i + 1) / parts};
}

std::size_t middle_of(const Part& node) { return node.first + std::bit_floor(node.size() - 1); }

namespace {

void add_largest(const Part& own, const Part& node, std::vector<Part>& nodes) {
    if (node.last <= own.first || own.last <= node.first) return;
    if (own.first <= node.first && node.last <= own.last) return nodes.push_back(node);
    const std::size_t middle = middle_of(node);
    add_largest(own, {node.first, middle}, nodes);
    add_largest(own, {middle, node.last}, nodes);
}

}  // namespace

std::vector<Part> largest_nodes(const Part& own, const Part& all) {
    std::vector<Part> nodes;
    add_largest(own, all, nodes);
    return nodes;
}

}  // namespace detail

}  // namespace tapeloop::optim
