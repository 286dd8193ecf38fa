// Runs recurrent layers whose numbers other implementations gave. `conformance --help` lists the options.
#include "compare.hpp"
#include "read.hpp"
#include "through.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace tapeloop::conformance {
namespace {

struct Counts {
    std::size_t passed = 0;
    std::size_t failed = 0;
    std::size_t skipped = 0;
    std::size_t refused = 0;
};

/// What the command line asks for.
struct Settings {
    bool list_passed = false;
    std::string through;
};

std::string problem_of(const Case& c, const std::string& through) {
    if (!c.malformed.empty()) return c.malformed;
    try {
        return problem(c, run(c, through));
    } catch (const Refused&) {
        throw;
    } catch (const std::exception& error) {
        return error.what();
    }
}

void run_case(const Case& c, const Settings& settings, Counts& counts) {
    if (!c.missing.empty()) {
        ++counts.skipped;
        fmt::print("skipped {}: it needs the option {}\n", c.name, c.missing);
        return;
    }
    const std::string text = problem_of(c, settings.through);
    for (const std::string& missing : c.malformed.empty() ? not_expected(c) : std::vector<std::string>())
        fmt::print("not compared {}: expected.{} is missing\n", c.name, missing);
    if (text.empty()) {
        ++counts.passed;
        if (settings.list_passed) fmt::print("passed {}\n", c.name);
    } else {
        ++counts.failed;
        fmt::print("failed {}: {}\n", c.name, text);
    }
}

void run_file(const std::string& path, const Settings& settings, Counts& counts) {
    for (const Case& c : read_file(path)) {
        try {
            run_case(c, settings, counts);
        } catch (const Refused& reason) {
            ++counts.refused;
            if (settings.list_passed) fmt::print("refused {}: {}\n", c.name, reason.what());
        }
    }
}

/// 0 when nothing failed, 1 when a case did, 2 when only a file could not be read.
int run_files(const std::vector<std::string>& paths, const Settings& settings) {
    Counts counts;
    bool all_read = true;
    for (const std::string& path : paths) {
        try {
            run_file(path, settings, counts);
        } catch (const Malformed& error) {
            all_read = false;
            fmt::print(stderr, "{}\n", error.what());
        }
    }
    fmt::print("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    if (!settings.through.empty()) fmt::print(", {} refused", counts.refused);
    fmt::print("\n");
    if (counts.failed != 0) return 1;
    return all_read ? 0 : 2;
}

}  // namespace
}  // namespace tapeloop::conformance

int main(int argc, char** argv) {
    CLI::App app("Runs recurrent layers whose outputs and gradients other implementations gave.");
    std::vector<std::string> paths;
    app.add_option("FILE", paths, "conformance files")->required();
    tapeloop::conformance::Settings settings;
    app.add_flag("--list", settings.list_passed, "name the cases that pass or are refused, too");
    app.add_option("--through", settings.through,
                   "send the parameters through a file under the names of this library")
        ->check(CLI::IsMember({"ours", "pytorch", "keras", "flax", "equinox"}));
    CLI11_PARSE(app, argc, argv);
    return tapeloop::conformance::run_files(paths, settings);
}
