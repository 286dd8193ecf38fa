#include "../program/one_blas_thread.hpp"
#include "../program/streams.hpp"
#include "baselines.hpp"
#include "cells.hpp"
#include "first_batch_check.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "progress.hpp"
#include "run_file.hpp"
#include "sampling.hpp"
#include "saved_run.hpp"
#include "study_page.hpp"
#include "training.hpp"

#include <fmt/format.h>

#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace char_rnn {
namespace {

constexpr const char* no_memory =
    "not enough memory; try a shorter text, or a smaller --hidden, --batch or --steps";

void print_losses(const Baselines& baseline, double model) {
    program::print("\nHeld-out loss in bits per character, less is better:\n");
    program::print("  unigram  {:.3f}   each character by its frequency alone\n", baseline.unigram);
    program::print("  bigram   {:.3f}   each by its frequency after the one before it\n", baseline.bigram);
    program::print("  model    {:.3f}\n", model);
    if (model < baseline.unigram && model < baseline.bigram)
        program::print("The model beats both baselines, the bigram by {:.0f} %.\n",
                       100 * (1 - model / baseline.bigram));
    else
        program::print(
            "The model does NOT beat {}. More --epochs or --minutes, or a longer text, may help.\n",
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

void print_sample(Ids ids, const Ids& more, const Vocabulary& vocabulary) {
    std::string text;
    ids.insert(ids.end(), more.begin(), more.end());
    for (const std::ptrdiff_t id : ids) text += printable(vocabulary.character(static_cast<std::size_t>(id)));
    program::print("{}\n", text);
}

void print_end(const TrainingResult& result, const Options& options) {
    program::print("{} steps in {:.0f} s, {} characters/s.\n", grouped(result.steps), result.seconds,
                   grouped(result.characters_per_second));
    if (result.ended == Ended::out_of_time)
        program::print("Stopped by --minutes {}; with more time the loss falls further.\n", options.minutes);
    if (result.ended == Ended::interrupted)
        program::print("Stopped by Ctrl-C; with more time the loss falls further.\n");
    if (result.ended == Ended::diverged)
        program::print("The training diverged: a gradient is not finite. Try a smaller --learning-rate.\n");
}

/// Goes on with what is left when something fails, and knows in the end what did.
class Failures {
  public:
    void add(const std::string& problem) {
        if (problem.empty()) return;
        program::complain("char_rnn", problem);
        ++count_;
    }
    template <class Work>
    void attempt(const Work& work) {
        try {
            work();
        } catch (const std::bad_alloc&) {
            add(no_memory);
        } catch (const std::exception& error) {
            add(error.what());
        }
    }
    int exit_code() const { return count_ == 0 ? 0 : 1; }

  private:
    int count_ = 0;
};

/// The ids of what `characters` gives. An error of it, and one of characters that the vocabulary has not,
/// begins with `origin`.
template <class Characters>
Ids encoded(const std::string& origin, const Characters& characters, const Vocabulary& vocabulary) {
    try {
        return vocabulary.encode(characters());
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("{}: {}", origin, error.what()));
    }
}

Ids encoded_prime(const Options& options, const Vocabulary& vocabulary) {
    return encoded(
        "--prime", [&] { return decode_utf8(options.prime); }, vocabulary);
}

/// Returns as many weights as the model will have, more or less.
std::size_t expected_weights(const Options& options, std::size_t vocabulary_size) {
    const std::size_t gates = find_cell(options.cell)->gates;
    return gates * options.hidden * (vocabulary_size + options.hidden + 1) +
           (options.hidden + 1) * vocabulary_size;
}

std::optional<SavedRun> earlier_run(const Options& options) {
    if (options.resume.empty()) return std::nullopt;
    return std::optional<SavedRun>(std::in_place, "--resume", options.resume);
}

/// The data of a run, read and checked. Throws `std::invalid_argument` when something is no good.
struct Job {
    Job(const Options& given, char** arguments)
        : earlier(earlier_run(given)),
          options(earlier ? earlier->applied_to(given) : given),
          together(options.shards, arguments),
          characters(read_text(options.file)),
          vocabulary(earlier ? earlier->vocabulary() : Vocabulary(characters)),
          ids(encoded(
              options.file.string(), [this] { return std::u32string_view(characters); }, vocabulary)),
          prime(encoded_prime(options, vocabulary)),
          text(split(ids, options.batch, options.steps)) {
        options.shards = together.shards();
        if (together.is_first()) outputs = outputs_of(options, expected_weights(options, vocabulary.size()));
        if (earlier) earlier->require_text(ids);
    }
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    std::optional<SavedRun> earlier;  ///< that this one goes on with
    Options options;
    Together together;
    std::u32string characters;
    Vocabulary vocabulary;
    Ids ids;
    Ids prime;
    Split text;  ///< refers to `ids`
    Outputs outputs;
};

/// The exit code.
int run(const Job& job) {
    const auto& [earlier, options, together, characters, vocabulary, ids, prime, text, outputs] = job;
    program::print("{}: {} characters, {} different ones; the last {} are held out.\n", options.file.string(),
                   grouped(ids.size()), grouped(vocabulary.size()), grouped(text.held_out.size() - 1));
    program::print("\nAre the gradients right? The first batch of this text:\n");
    program::require_printed();
    LossCurve curve(outputs.curve);
    if (together.is_first()) check_first_batch(text.training, vocabulary.size(), options);

    tapeloop::nn::Generator generator(options.seed);
    const auto model = find_cell(options.cell)->make(vocabulary.size(), options.hidden, generator);
    const std::size_t weights = model->parameters().value_count();
    program::print("\nTraining {}, {} units, {} weights, with Adam on batches of {} places by {} steps:\n",
                   options.cell, options.hidden, grouped(weights), options.batch, options.steps);
    if (together.shards() > 0)
        program::print("Each batch is shared in {} parts, among {} rank{}.\n", together.shards(),
                       together.count(), together.count() == 1 ? "" : "s");
    Settings settings =
        Settings::of(options, vocabulary, ids, planned_epochs(options, text.training.size(), weights));
    RunFile file(outputs.checkpoint, options.save_every);
    std::optional<StudyPage> page;
    if (outputs.page) page.emplace(*model, text.training, vocabulary, options, *outputs.page);
    const TrainingResult result =
        train(*model, text, options, {curve, settings, generator, file, together, page ? &*page : nullptr},
              earlier ? &*earlier : nullptr);
    if (!together.is_first()) return 0;
    print_end(result, options);
    print_losses(baselines(text.training, text.held_out, vocabulary.size()), result.held_out_bits);

    Failures failures;
    if (result.ended == Ended::diverged) failures.add("the training diverged; try a smaller --learning-rate");
    failures.add(curve.problem());
    failures.add(file.problem());
    failures.attempt([&] {
        if (options.sample == 0) return;
        program::print("\nThe model goes on after {} (temperature {}):\n",
                       prime.empty() ? "the end of the training part" : "the text of --prime",
                       options.temperature);
        const IdSpan start = prime.empty() ? last_lines(text.training, characters) : IdSpan(prime);
        print_sample(prime, sample(*model, start, options.sample, options.temperature, generator),
                     vocabulary);
    });
    if (curve.problem().empty()) program::print("\nLoss curve: {}\n", curve.path().string());
    if (outputs.checkpoint && result.ended != Ended::diverged && file.problem().empty())
        program::print("To go on: --resume {}\n", outputs.checkpoint->path().string());
    failures.attempt([&] {
        if (!page) return;
        page->write();
        program::print("The first batch through time, to be opened in a browser: {}\n",
                       options.study.string());
    });
    failures.attempt(program::require_printed);
    return failures.exit_code();
}

/// A model that only writes, and what it goes on from.
struct Writer {
    explicit Writer(const Options& options)
        : saved("--sample-from", options.sample_from),
          vocabulary(saved.vocabulary()),
          prime(encoded_prime(options, vocabulary)),
          start(prime) {
        tapeloop::nn::Generator of_weights(0);
        const Settings& settings = saved.settings();
        model = find_cell(settings.cell)->make(vocabulary.size(), settings.hidden, of_weights);
        saved.restore_weights(*model);
        if (!start.empty()) return;
        const std::size_t line_break = vocabulary.characters().find(U'\n');
        start = {line_break == std::u32string::npos ? 0 : static_cast<std::ptrdiff_t>(line_break)};
    }

    SavedRun saved;
    Vocabulary vocabulary;
    Ids prime;
    Ids start;
    std::unique_ptr<LanguageModel> model;
};

int write_text(const Writer& writer, const Options& options) {
    tapeloop::nn::Generator generator(options.seed);
    const Ids written = sample(*writer.model, writer.start, options.sample, options.temperature, generator);
    print_sample(writer.prime, written, writer.vocabulary);
    program::require_printed();
    return 0;
}

int run_command_line(int count, char** arguments) {
    program::prepare_streams();
    std::optional<Job> job;
    std::optional<Writer> writer;
    std::optional<Options> options;
    try {
        options = parse_command_line(count, arguments);
        if (options && !options->sample_from.empty())
            writer.emplace(*options);
        else if (options)
            job.emplace(*options, arguments);
    } catch (const std::invalid_argument& error) {
        program::complain("char_rnn", error.what());
        return 2;
    }
    if (writer) return write_text(*writer, *options);
    if (job) return run(*job);
    program::require_printed();
    return 0;
}

}  // namespace
}  // namespace char_rnn

int main(int count, char** arguments) {
    program::use_one_blas_thread(arguments);
    try {
        return char_rnn::run_command_line(count, arguments);
    } catch (const std::bad_alloc&) {
        program::complain("char_rnn", char_rnn::no_memory);
        return 1;
    } catch (const std::exception& error) {
        program::complain("char_rnn", error.what());
        return 1;
    }
}
