#pragma once

#include <autograd/var.hpp>

#include <vector>

namespace tapeloop::nn {

/// How a sequence is read.
struct UnrollOptions {
    /// x and the outputs are [B, T, ..] instead of [T, B, ..].
    bool batch_first = false;
    /// Run the cell's `project` once for all time steps. Off, each step projects its own input, slower, so
    /// that every use of a weight stands at its time step in the recorded graph: for study.
    bool hoist = true;
    /// Keep the state after every time step in `Unrolled::trace`.
    bool trace = false;
    /// Read from the last time step to the first. Outputs and trace stand at the t they belong to, and the
    /// final state is the one after t = 0.
    bool reverse = false;
    /// How many time steps of each row of a padded batch count, 0 to T; empty when all do. Behind its length
    /// a row's outputs are 0, its state stays as it is, and what x holds there, NaN included, has no
    /// influence on values and gradients: each row gives what it gives alone.
    std::vector<std::size_t> lengths = {};
};

/// What an unrolled cell gives.
template <class T, class State>
struct Unrolled {
    Var<T> outputs;            ///< of every time step, [T, B, H]
    State state;               ///< after the last time step that was read
    std::vector<State> trace;  ///< after each time step, if it was asked for
};

}  // namespace tapeloop::nn
