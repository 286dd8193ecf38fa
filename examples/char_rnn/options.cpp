#include "options.hpp"

#include "../program/numbers.hpp"
#include "../program/streams.hpp"
#include "cells.hpp"
#include "text.hpp"

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
    "Ctrl-C stops the training; losses and sample are still printed. A second one ends the program.\n\n"
    "Exit codes: 0 all went well, and --help; 1 something failed on the way, memory, disk or standard output "
    "among\n"
    "them, after what could be printed was; 2 the command line, the text or a place to write to is no good, "
    "and\n"
    "nothing was trained.";

void add_flags(CLI::App& app, Options& options) {
    const auto number = [&app](const char* flag, auto& value, const char* help, auto least, auto most) {
        using Number = std::remove_reference_t<decltype(value)>;
        program::add_number<Number>(app, flag, value, help, static_cast<Number>(least),
                                    static_cast<Number>(most));
    };
    app.add_option("FILE", options.file,
                   fmt::format("the text to learn from, UTF-8, up to {} bytes", largest_text))
        ->envname("CHAR_RNN_FILE")
        ->required()
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
    app.add_option("--output", options.output, "folder for the loss curve, made if it is not there")
        ->envname("CHAR_RNN_OUTPUT")
        ->check(not_empty("folder"))
        ->type_name("FOLDER");
    app.add_option("--study", options.study, "write a page that shows the first batch through time (HTML)")
        ->envname("CHAR_RNN_STUDY")
        ->check(not_empty("file"))
        ->type_name("FILE");
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
    return options;
}

}  // namespace char_rnn
