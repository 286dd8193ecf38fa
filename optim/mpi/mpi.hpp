#pragma once

/// Training on several machines, or on several cores of one, with MPI.
#include <optim/mpi/data_parallel.hpp>
#include <optim/mpi/ranks.hpp>
#include <optim/mpi/shard.hpp>
#include <optim/mpi/shuffled.hpp>
