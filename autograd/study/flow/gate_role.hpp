#pragma once

#include <string_view>

namespace tapeloop {

/// What an activation with limits does in its step, as far as the recording tells by what it multiplies.
enum class GateRole {
    none,             ///< no gate that is known: a candidate for the state, or an activation of the state
    keep,             ///< scales the state of the step before, as a forget gate
    write,            ///< scales what enters the state, as an input gate
    read,             ///< scales what leaves the new state, as an output gate
    reset,            ///< scales what a candidate sees of the state before, as a reset gate
    keep_else_write,  ///< keeps the state as far as it is open and takes the candidate as far as it is shut
    write_else_keep,  ///< the other way round
};

/// Returns the enumerator's name in words, such as `keep else write`.
std::string_view name_of(GateRole role);

}  // namespace tapeloop
