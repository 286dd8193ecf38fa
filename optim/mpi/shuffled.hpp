#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tapeloop::optim {

/// The order in which the rows of a data set are read in an epoch: 0, ..., rows - 1 at random, the same on
/// every rank. A rank need only have the rows of its own shards.
std::vector<std::size_t> shuffled(std::size_t rows, std::uint64_t seed, std::uint64_t epoch);

}  // namespace tapeloop::optim
