#include "command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <autograd/kernels/threads.hpp>

#include <cstdio>

namespace lab {
namespace {

CLI::Validator whole_number() {
    const auto check = [](const std::string& text) -> std::string {
        const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
        if (digits && text.size() < 19) return "";
        return fmt::format("takes a whole number of up to 18 digits, not '{}'", text);
    };
    return CLI::Validator(check, "");
}

void add_flags(CLI::App& app, Options& options) {
    app.option_defaults()->always_capture_default();
    app.add_option("--seed", options.seed, "of all random numbers")
        ->check(whole_number())
        ->type_name("NUMBER");
    app.add_flag("--quick", options.quick, "a small run of a second or so, which learns little");
    app.add_option("--output", options.output, "folder for the pictures, made if it is not there")
        ->type_name("FOLDER");
}

}  // namespace

int run(int count, char** arguments, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& perform) {
    Options options;
    CLI::App app(description, name);
    add_flags(app, options);
    try {
        app.parse(count, arguments);
        std::filesystem::create_directories(options.output);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        fmt::print(stderr, "{0}: {1} ({0} --help lists the flags)\n", name, error.what());
        return 2;
    } catch (const std::filesystem::filesystem_error& error) {
        fmt::print(stderr, "{}: --output {}: {}\n", name, options.output.string(), error.code().message());
        return 2;
    }
    try {
        tapeloop::limit_threads(1);  // products as small as these do not gain from a second one
        return perform(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", name, error.what());
        return 1;
    }
}

}  // namespace lab
