#pragma once

#include "loss_curve.hpp"
#include "model.hpp"
#include "options.hpp"
#include "run_file.hpp"
#include "saved_run.hpp"
#include "study_page.hpp"
#include "together.hpp"

#include <nn/generator.hpp>

namespace char_rnn {

/// The mean loss in bits per character of `held_out` but the first, read from the initial state.
double held_out_bits(const LanguageModel& model, IdSpan held_out, std::size_t steps);

/// `options.epochs`, or if that is 0 as many as usually take less than two minutes, up to 50: a matter of
/// sizes and not of the clock, so that a run can be repeated.
std::size_t planned_epochs(const Options& options, std::size_t characters, std::size_t weights);

/// The reason why a training ended.
enum class Ended { as_planned, out_of_time, interrupted, diverged };

struct TrainingResult {
    std::size_t steps;
    double seconds;
    std::size_t characters_per_second;
    Ended ended;
    double held_out_bits;
};

/// What a training keeps beside its own: it is saved with it, and restored.
struct Kept {
    LossCurve& curve;
    Settings& settings;
    tapeloop::nn::Generator& generator;  ///< of the sample
    RunFile& file;
    const Together& together;  ///< those who train
    StudyPage* page;           ///< that gets the training as a film; null for none
};

/// Trains by truncated BPTT with Adam; shows a progress bar, and keeps curve and file. It ends early when the
/// time is over, on Ctrl-C, and when a gradient stops being a number, with the weights of the step before; of
/// the latter nothing is saved. It goes on from `earlier`, where there is one, and throws
/// `std::invalid_argument` when that has something else.
TrainingResult train(LanguageModel& model, const Split& text, const Options& options, const Kept& kept,
                     const SavedRun* earlier);

}  // namespace char_rnn
