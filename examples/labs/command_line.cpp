#include "command_line.hpp"

#include "../program/numbers.hpp"
#include "../program/one_blas_thread.hpp"
#include "../program/output_file.hpp"
#include "../program/streams.hpp"
#include "program.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <autograd/kernels/threads.hpp>

#include <new>
#include <stdexcept>

namespace lab {
namespace {

void add_flags(CLI::App& app, Options& options) {
    app.option_defaults()->always_capture_default();
    app.footer(
        "Exit codes: 0 all went well; 1 something failed, or a claim of the lab does not hold; 2 bad usage.");
    program::add_number<std::uint64_t>(app, "--seed", options.seed, "of all random numbers", 0, UINT64_MAX);
    app.add_flag("--quick", options.quick, "a small run of a second or so, which learns little");
    app.add_option("--output", options.output, "folder for the pictures, made if it is not there")
        ->type_name("FOLDER");
}

}  // namespace

int run(int count, char** arguments, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& perform) {
    program::use_one_blas_thread(arguments);
    Options options;
    CLI::App app(description, name);
    add_flags(app, options);
    try {
        program::prepare_streams();
        try {
            app.parse(count, arguments);
            program::prepare_folder("--output", options.output);
        } catch (const CLI::CallForHelp&) {
            program::print(std::string_view(app.help()));
            program::require_printed();
            return 0;
        } catch (const CLI::ParseError& error) {
            program::complain(name, fmt::format("{} ({} --help lists the flags)", error.what(), name));
            return 2;
        } catch (const std::invalid_argument& error) {
            program::complain(name, error.what());
            return 2;
        }
        tapeloop::limit_threads(1);  // products as small as these do not gain from a second one
        const int code = perform(options);
        program::require_printed();
        return code == 0 && !all_drawn() ? 1 : code;
    } catch (const std::bad_alloc&) {
        program::complain(name, "not enough memory");
        return 1;
    } catch (const std::exception& error) {
        program::complain(name, error.what());
        return 1;
    }
}

}  // namespace lab
