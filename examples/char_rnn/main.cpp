#include "baselines.hpp"
#include "cells.hpp"
#include "first_batch_check.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "sampling.hpp"
#include "study_page.hpp"
#include "training.hpp"

#include <fmt/format.h>
#include <autograd/kernels/threads.hpp>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

namespace char_rnn {
namespace {

void print_losses(const Baselines& baseline, double model) {
    fmt::print("\nHeld-out loss in bits per character, less is better:\n");
    fmt::print("  unigram  {:.3f}   each character by its frequency alone\n", baseline.unigram);
    fmt::print("  bigram   {:.3f}   each by its frequency after the one before it\n", baseline.bigram);
    fmt::print("  model    {:.3f}\n", model);
    if (model < baseline.unigram && model < baseline.bigram)
        fmt::print("The model beats both baselines, the bigram by {:.0f} %.\n",
                   100 * (1 - model / baseline.bigram));
    else
        fmt::print("The model does NOT beat {}. More --epochs or --minutes, or a longer text, may help.\n",
                   model < baseline.unigram ? "the bigram baseline" : "the unigram baseline");
}

/// The end of the training part up to its last line break, if there is one nearby: the sample begins a line.
IdSpan last_lines(IdSpan training, std::u32string_view characters) {
    constexpr std::size_t nearby = 500;
    const std::size_t line_break = characters.rfind(U'\n', training.size() - 1);
    if (line_break != characters.npos && line_break + nearby > training.size())
        training = training.first(line_break + 1);
    return training.last(std::min(training.size(), nearby));
}

void print_sample(const Ids& ids, const Vocabulary& vocabulary) {
    for (const std::ptrdiff_t id : ids)
        fmt::print("{}", printable(vocabulary.character(static_cast<std::size_t>(id))));
    fmt::print("\n");
}

void run(const Options& options) {
    const std::u32string characters = read_text(options.file);
    const Vocabulary vocabulary(characters);
    const Ids ids = vocabulary.encode(characters);
    const Split text = split(ids, options.batch, options.steps);
    LossCurve curve(options.output);

    fmt::print("{}: {} characters, {} different ones; the last {} are held out.\n", options.file.string(),
               grouped(ids.size()), grouped(vocabulary.size()), grouped(text.held_out.size() - 1));

    fmt::print("\nAre the gradients right? The first batch of this text:\n");
    check_first_batch(text.training, vocabulary.size(), options);

    tapeloop::nn::Generator generator(options.seed);
    const auto model = find_cell(options.cell)->make(vocabulary.size(), options.hidden, generator);
    fmt::print("\nTraining {}, {} units, {} weights, with Adam on batches of {} places by {} steps:\n",
               options.cell, options.hidden, grouped(model->parameters().value_count()), options.batch,
               options.steps);
    const TrainingResult result = train(*model, text, options, curve);
    fmt::print("{} steps in {:.0f} s, {} characters/s.\n", grouped(result.steps), result.seconds,
               grouped(result.characters_per_second));
    if (result.out_of_time)
        fmt::print("Stopped by --minutes {}; with more time the loss falls further.\n", options.minutes);

    print_losses(baselines(text.training, text.held_out, vocabulary.size()), result.held_out_bits);
    if (options.sample > 0) {
        fmt::print("\nThe model goes on after the end of the training part (temperature {}):\n",
                   options.temperature);
        print_sample(sample(*model, last_lines(text.training, characters), options.sample,
                            options.temperature, generator),
                     vocabulary);
    }
    fmt::print("\nLoss curve: {}\n", curve.path().string());
    if (!options.study.empty()) {
        write_study_page(*model, text.training, vocabulary.size(), options);
        fmt::print("The first batch through time, to be opened in a browser: {}\n", options.study.string());
    }
}

}  // namespace
}  // namespace char_rnn

int main(int count, char** arguments) {
    try {
        // A batch's products gain little from a second thread, and where another program wants the second
        // core, the OpenMP under them spins in wait for it and training comes to a stand.
        if (std::getenv("OMP_NUM_THREADS") == nullptr) tapeloop::limit_threads(1);
        if (const auto options = char_rnn::parse_command_line(count, arguments)) char_rnn::run(*options);
        return 0;
    } catch (const std::invalid_argument& error) {
        fmt::print(stderr, "char_rnn: {}\n", error.what());
        return 2;
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "char_rnn: not enough memory; try a smaller --hidden, --batch or --steps\n");
        return 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "char_rnn: {}\n", error.what());
        return 1;
    }
}
