#pragma once

#include <autograd/gradient.hpp>
#include <optim/mpi/communicator.hpp>
#include <optim/mpi/shards.hpp>

#include <vector>

namespace tapeloop::optim::detail {

/// Sums over all shards what each rank has summed of its own, `factor` times, in the tree of the shards:
/// whatever the number of ranks, to the same bits.
///
/// Each rank gets from all others its part of the elements, sums it and sends all others the result, so that
/// it sends 2 (n - 1) / n times the bytes of the gradients. `parts` are the sums of this rank's
/// `largest_nodes`; the first of them becomes the result.
template <class T>
Gradients<T> sum_over_ranks(Communicator& communicator, std::size_t shards, std::vector<Gradients<T>> parts,
                            double factor, Sent& sent);

}  // namespace tapeloop::optim::detail
