#pragma once

#include "text.hpp"

namespace char_rnn {

/// The figures that a model has to beat, in bits per character on the held-out part.
struct Baselines {
    double unigram;  ///< each character by its frequency
    double bigram;   ///< each character by its frequency after the one before it
};

/// Counts `training` and scores every character of `held_out` but the first, as the model is scored. Both are
/// smoothed by Witten and Bell (IEEE Trans. Inf. Theory 37, 1991), without a constant to tune: what was seen
/// n times, followed by d different characters, leaves d of n + d parts to the next coarser distribution:
/// bigram to unigram, unigram to all `vocabulary_size` characters alike.
Baselines baselines(IdSpan training, IdSpan held_out, std::size_t vocabulary_size);

}  // namespace char_rnn
