#pragma once

#include "../program/output_file.hpp"
#include "options.hpp"

#include <optional>

namespace char_rnn {

/// The files that a run writes.
struct Outputs {
    program::OutputFile curve;
    std::optional<program::OutputFile> page;
};

/// Checks all that can be known of them before the work. Throws `std::invalid_argument` with the flag.
Outputs outputs_of(const Options& options);

}  // namespace char_rnn
