#pragma once

#include "../program/output_file.hpp"
#include "batches.hpp"
#include "model.hpp"
#include "options.hpp"

#include <autograd/study/page/study_recorder.hpp>

#include <optional>

namespace char_rnn {

/// The page of --study: how the model reads the first batch of the text, how the gradient of the loss flows
/// back through it, and how both changed over the training.
class StudyPage {
  public:
    /// Refers to all that it is given.
    StudyPage(const LanguageModel& model, IdSpan training, const Vocabulary& vocabulary,
              const Options& options, const program::OutputFile& page);

    /// Adds a frame to the film of the training: what the first batch is like after so many steps; none
    /// where the memory for it is missing.
    void record(std::size_t step);
    /// Writes the page. Says what takes long. Throws `std::runtime_error` when it cannot be written.
    void write() const;

  private:
    Stretch first_batch() const;

    const LanguageModel& model_;
    IdSpan training_;
    const Vocabulary& vocabulary_;
    const Options& options_;
    const program::OutputFile& page_;
    tapeloop::StudyRecorder film_;
    std::optional<std::size_t> recorded_;  ///< the last step
};

}  // namespace char_rnn
