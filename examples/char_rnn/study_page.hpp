#pragma once

#include "batches.hpp"
#include "model.hpp"
#include "options.hpp"

namespace char_rnn {

/// Writes `options.study`, a page that shows how the model reads the first batch of the text, and how the
/// gradient of the loss flows back through it.
void write_study_page(const LanguageModel& model, IdSpan training, std::size_t vocabulary_size,
                      const Options& options);

}  // namespace char_rnn
