#pragma once

#include "../program/output_file.hpp"
#include "options.hpp"

#include <optional>

namespace char_rnn {

/// The files that a run writes.
struct Outputs {
    std::optional<program::OutputFile> curve;
    std::optional<program::OutputFile> page;
    std::optional<program::OutputFile> checkpoint;
};

/// Checks all that can be known of them before the work. Throws `std::invalid_argument` with the flag.
/// A checkpoint has `weights` and what is kept for each of them.
Outputs outputs_of(const Options& options, std::size_t weights);

}  // namespace char_rnn
