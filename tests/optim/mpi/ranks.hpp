#pragma once

#include <optim/mpi/ranks.hpp>

namespace tapeloop::test {

/// The ranks of the run, of which there are as many as `mpirun` was told.
optim::Ranks& ranks();

}  // namespace tapeloop::test
