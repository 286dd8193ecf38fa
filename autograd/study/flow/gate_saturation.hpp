#pragma once

#include <autograd/tape.hpp>

#include <string>
#include <vector>

namespace tapeloop {

/// The share of a gate that is saturated, by time step.
struct GateSaturation {
    std::string gate;       ///< `forget`, below its module; or `tanh (cell.hpp:62)`, without a name
    std::string operation;  ///< `sigmoid` or `tanh`
    /// The share of the gate's elements for each time step from 0 on, from 0 to 1; NaN where there is none.
    std::vector<double> shares;
};

/// An element counts as saturated when its slope is small, this close to a limit of its function: a sigmoid
/// outside of 0.05 to 0.95, whose slope is below a fifth of the steepest, or a tanh outside of -0.95 to 0.95,
/// below a tenth.
inline constexpr double saturated_within = 0.05;

/// Returns the saturation of every activation with limits, such as `sigmoid` and `tanh`, that has a time
/// step; there are none on a tape that fuses them. `gates` are the names of the blocks of a packed weight,
/// such as a cell's `gate_names()`: a gate is called by the block that what goes into it is sliced from, in a
/// further loop over time `forget (loop 1)`. Looks at recorded values alone, also after parameters were
/// changed, and throws nothing of its own.
template <class T>
std::vector<GateSaturation> gate_saturation(Tape<T>& tape, const std::vector<std::string>& gates = {});

extern template std::vector<GateSaturation> gate_saturation(Tape<float>&, const std::vector<std::string>&);
extern template std::vector<GateSaturation> gate_saturation(Tape<double>&, const std::vector<std::string>&);

}  // namespace tapeloop
