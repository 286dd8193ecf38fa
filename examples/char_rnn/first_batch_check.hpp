#pragma once

#include "batches.hpp"
#include "options.hpp"

namespace char_rnn {

/// Prints how the gradient of the tape agrees with the closed form of BPTT and with central differences, on
/// the first batch of the text: for an Elman network of this text's vocabulary, with relu if that is the
/// cell. Steps, batch and hidden size are those of the options, but cut so that it takes seconds. Throws
/// `std::runtime_error` when they disagree.
void check_first_batch(IdSpan training, std::size_t vocabulary_size, const Options& options);

}  // namespace char_rnn
