#include "options.hpp"

#include "cells.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <stdexcept>

namespace char_rnn {
namespace {

template <class Number>
std::optional<Number> read(const std::string& text) {
    Number number{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

CLI::Validator whole(std::uint64_t least, std::uint64_t most) {
    const auto check = [=](const std::string& text) -> std::string {
        const auto number = read<std::uint64_t>(text);
        if (number && *number >= least && *number <= most) return "";
        return fmt::format("takes a whole number from {} to {}, not '{}'", least, most, text);
    };
    return CLI::Validator(check, "");
}

CLI::Validator positive(double most) {
    const auto check = [=](const std::string& text) -> std::string {
        const auto number = read<double>(text);
        if (number && *number > 0 && *number <= most) return "";
        return fmt::format("takes a number above 0 and up to {}, not '{}'", most, text);
    };
    return CLI::Validator(check, "");
}

CLI::Validator one_of_the_cells() {
    const auto check = [](const std::string& text) -> std::string {
        if (find_cell(text) != nullptr) return "";
        return fmt::format("takes one of {}, not '{}'", cell_names(), text);
    };
    return CLI::Validator(check, "");
}

CLI::Validator new_file() {
    const auto check = [](const std::string& text) -> std::string {
        const std::filesystem::path path(text);
        const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
        if (path.has_filename() && std::filesystem::is_directory(folder) &&
            !std::filesystem::is_directory(path))
            return "";
        return fmt::format("takes the name of a file in a folder that is there, not '{}'", text);
    };
    return CLI::Validator(check, "");
}

void add_flags(CLI::App& app, Options& options) {
    const auto number = [&app](const char* flag, auto& value, const char* help, const CLI::Validator& check) {
        app.add_option(flag, value, help)->check(check)->type_name("NUMBER");
    };
    app.add_option("FILE", options.file, "the text to learn from, UTF-8")
        ->envname("CHAR_RNN_FILE")
        ->required()
        ->type_name("");
    app.add_option("--cell", options.cell, cell_help())->check(one_of_the_cells())->type_name("NAME");
    number("--hidden", options.hidden, "units of the hidden state", whole(1, 8192));
    number("--steps", options.steps, "time steps that a gradient goes back", whole(1, 10000));
    number("--batch", options.batch, "places of the text read side by side", whole(1, 8192));
    number("--learning-rate", options.learning_rate, "of Adam; it falls to a tenth by the end", positive(10));
    number("--epochs", options.epochs, "times through the text; 0 for what two minutes usually allow",
           whole(0, 1000000));
    number("--seed", options.seed, "of all random numbers", whole(0, UINT64_MAX));
    number("--temperature", options.temperature, "of the sample: 1 as learned, less for likelier characters",
           positive(100));
    number("--sample", options.sample, "characters to write after training", whole(0, 1000000));
    number("--minutes", options.minutes, "stop training after this time", positive(100000));
    app.add_option("--output", options.output, "folder for the loss curve, made if it is not there")
        ->type_name("FOLDER");
    app.add_option("--study", options.study, "write a page that shows the first batch through time (HTML)")
        ->envname("CHAR_RNN_STUDY")
        ->check(new_file())
        ->type_name("FILE");
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
    } catch (const CLI::CallForHelp& help) {
        app.exit(help);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        throw std::invalid_argument(fmt::format("{} (char_rnn --help lists the flags)", error.what()));
    }
    return options;
}

}  // namespace char_rnn
