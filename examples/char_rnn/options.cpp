#include "options.hpp"

#include "../program/numbers.hpp"
#include "../program/streams.hpp"
#include "cells.hpp"
#include "text.hpp"
#include "together.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <stdexcept>
#include <type_traits>

namespace char_rnn {
namespace {

CLI::Validator one_of_the_cells() {
    const auto check = [](const std::string& text) -> std::string {
        if (find_cell(text) != nullptr) return "";
        return fmt::format("takes one of {}, not '{}'", cell_names(), text);
    };
    return CLI::Validator(check, "");
}

CLI::Validator not_empty(const std::string& kind) {
    return CLI::Validator(
        [kind](const std::string& text) {
            return text.empty() ? fmt::format("takes the name of a {}, not ''", kind) : "";
        },
        "");
}

constexpr const char* exit_codes =
    "Ctrl-C stops the training; losses and sample are still printed, and the checkpoint is saved. A second "
    "one "
    "ends the program.\n\n"
    "Exit codes: 0 all went well, and --help; 1 something failed on the way, memory, disk or standard output "
    "among\n"
    "them, after what could be printed was; 2 the command line, the text, a checkpoint or a place to write "
    "to is "
    "no good, "
    "and\n"
    "nothing was trained.";

void add_checkpoint_flags(CLI::App& app, Options& options) {
    app.add_option("--checkpoint", options.checkpoint,
                   "save the run every minute and at the end, to go on from or to sample from (safetensors); "
                   "by default the file of --resume")
        ->envname("CHAR_RNN_CHECKPOINT")
        ->check(not_empty("file"))
        ->type_name("FILE");
    CLI::Option* resume =
        app.add_option("--resume", options.resume,
                       "go on with the run that a checkpoint has, as if it had never been stopped: with its "
                       "cell, sizes, learning rate, epochs and seed, on the same text. --minutes are those "
                       "of this run; other --epochs make another run of it")
            ->check(not_empty("file"))
            ->type_name("FILE");
    app.add_option("--sample-from", options.sample_from,
                   "write text with the model of a checkpoint and do nothing else; it goes on from --prime, "
                   "or begins a line. No text is read")
        ->check(not_empty("file"))
        ->type_name("FILE")
        ->excludes(resume);
}

void add_flags(CLI::App& app, Options& options) {
    const auto number = [&app](const char* flag, auto& value, const char* help, auto least, auto most) {
        using Number = std::remove_reference_t<decltype(value)>;
        program::add_number<Number>(app, flag, value, help, static_cast<Number>(least),
                                    static_cast<Number>(most));
    };
    app.add_option("FILE", options.file,
                   fmt::format("the text to learn from, UTF-8, up to {} bytes", largest_text))
        ->envname("CHAR_RNN_FILE")
        ->check(not_empty("file"))
        ->type_name("");
    app.add_option("--cell", options.cell, cell_help())->check(one_of_the_cells())->type_name("NAME");
    number("--hidden", options.hidden, "units of the hidden state", 1, 8192);
    number("--steps", options.steps, "time steps that a gradient goes back", 1, 10000);
    number("--batch", options.batch, "places of the text read side by side", 1, 8192);
    number("--learning-rate", options.learning_rate, "of Adam; it falls to a tenth by the end", 0, 10);
    number("--epochs", options.epochs, "times through the text; 0 for what two minutes usually allow", 0,
           1000000);
    number("--seed", options.seed, "of all random numbers", 0, UINT64_MAX);
    number("--temperature", options.temperature, "of the sample: 1 as learned, less for likelier characters",
           0, 100);
    number("--sample", options.sample, "characters to write after training", 0, 1000000);
    number("--minutes", options.minutes, "stop training after this time", 0, 100000);
    app.add_option("--prime", options.prime,
                   "text that the sample goes on from, in place of the end of the training part")
        ->check(not_empty("text"))
        ->type_name("TEXT");
    app.add_option("--output", options.output, "folder for the loss curve, made if it is not there")
        ->envname("CHAR_RNN_OUTPUT")
        ->check(not_empty("folder"))
        ->type_name("FOLDER");
    app.add_option("--study", options.study, "write a page that shows the first batch through time (HTML)")
        ->envname("CHAR_RNN_STUDY")
        ->check(not_empty("file"))
        ->type_name("FILE");
    add_checkpoint_flags(app, options);
    number("--save-every", options.save_every, "minutes from one --checkpoint to the next", 0, 100000);
    if (Together::is_possible())
        number("--shards", options.shards,
               "parts of a batch, shared among the ranks of mpirun: with as many parts one rank learns the "
               "same as eight. 0 for 8 on ranks, and for batches in one piece without",
               0, 8192);
    app.footer(exit_codes);
}

}  // namespace

std::optional<Options> parse_command_line(int count, char** arguments) {
    Options options;
    CLI::App app(
        "Learns to continue a text, character by character, with a recurrent network trained by BPTT.",
        "char_rnn");
    app.option_defaults()->always_capture_default();
    add_flags(app, options);
    try {
        app.parse(count, arguments);
    } catch (const CLI::CallForHelp&) {
        program::print(std::string_view(app.help()));
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        throw std::invalid_argument(fmt::format("{} (char_rnn --help lists the flags)", error.what()));
    }
    for (const CLI::Option* option : app.get_options())
        if (option->count() > 0) options.given.insert(option->get_name());
    if (options.checkpoint.empty()) options.checkpoint = options.resume;
    if (options.file.empty() && options.sample_from.empty())
        throw std::invalid_argument("FILE is required (char_rnn --help lists the flags)");
    return options;
}

}  // namespace char_rnn
