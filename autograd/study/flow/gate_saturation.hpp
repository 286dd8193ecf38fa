#pragma once

#include <autograd/study/flow/gate_role.hpp>
#include <autograd/tape.hpp>

#include <string>
#include <vector>

namespace tapeloop {

/// How far a gate is open, by time step.
struct GateSaturation {
    std::string gate;                ///< `forget`, below its module; or `tanh (cell.hpp:62)`, without a name
    std::string operation;           ///< `sigmoid` or `tanh`
    GateRole role = GateRole::none;  ///< what it scales
    Limits limits;                   ///< of its values
    // For each time step from 0 on; NaN where there is none.
    std::vector<double>
        shares;                 ///< the share of its elements, from 0 to 1, that is saturated at either limit
    std::vector<double> low;    ///< at the lower limit: of a gate, shut
    std::vector<double> high;   ///< at the upper limit: of a gate, open
    std::vector<double> means;  ///< the mean of its elements
};

/// An element counts as saturated when its slope is small, this close to a limit of its function: a sigmoid
/// outside of 0.05 to 0.95, whose slope is below a fifth of the steepest, or a tanh outside of -0.95 to 0.95,
/// below a tenth. That a gate passes little gradient to what makes it open or shut says nothing of what it
/// scales: open, a forget gate hands the gradient of the state on as it is.
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
