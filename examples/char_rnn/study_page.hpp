#pragma once

#include "../program/output_file.hpp"
#include "batches.hpp"
#include "model.hpp"
#include "options.hpp"

namespace char_rnn {

/// Writes a page that shows how the model reads the first batch of the text, and how the gradient of the loss
/// flows back through it. Says what takes long. Throws `std::runtime_error` when it cannot be written.
void write_study_page(const LanguageModel& model, IdSpan training, const Vocabulary& vocabulary,
                      const Options& options, const program::OutputFile& page);

}  // namespace char_rnn
