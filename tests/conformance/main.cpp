// Runs recurrent layers whose numbers other implementations gave. `conformance --help` lists the options.
#include "compare.hpp"
#include "read.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace tapeloop::conformance {
namespace {

struct Counts {
    std::size_t passed = 0;
    std::size_t failed = 0;
    std::size_t skipped = 0;
};

std::string problem_of(const Case& c) {
    if (!c.malformed.empty()) return c.malformed;
    try {
        return problem(c, run(c));
    } catch (const std::exception& error) {
        return error.what();
    }
}

void run_file(const std::string& path, bool list_passed, Counts& counts) {
    for (const Case& c : read_file(path)) {
        if (!c.missing.empty()) {
            ++counts.skipped;
            fmt::print("skipped {}: it needs the option {}\n", c.name, c.missing);
            continue;
        }
        const std::string text = problem_of(c);
        for (const std::string& missing : c.malformed.empty() ? not_expected(c) : std::vector<std::string>())
            fmt::print("not compared {}: expected.{} is missing\n", c.name, missing);
        if (text.empty()) {
            ++counts.passed;
            if (list_passed) fmt::print("passed {}\n", c.name);
        } else {
            ++counts.failed;
            fmt::print("failed {}: {}\n", c.name, text);
        }
    }
}

/// 0 when nothing failed, 1 when a case did, 2 when only a file could not be read.
int run_files(const std::vector<std::string>& paths, bool list_passed) {
    Counts counts;
    bool all_read = true;
    for (const std::string& path : paths) {
        try {
            run_file(path, list_passed, counts);
        } catch (const Malformed& error) {
            all_read = false;
            fmt::print(stderr, "{}\n", error.what());
        }
    }
    fmt::print("{} passed, {} failed, {} skipped\n", counts.passed, counts.failed, counts.skipped);
    if (counts.failed != 0) return 1;
    return all_read ? 0 : 2;
}

}  // namespace
}  // namespace tapeloop::conformance

int main(int argc, char** argv) {
    CLI::App app("Runs recurrent layers whose outputs and gradients other implementations gave.");
    std::vector<std::string> paths;
    app.add_option("FILE", paths, "conformance files")->required();
    bool list_passed = false;
    app.add_flag("--list", list_passed, "name the cases that pass too");
    CLI11_PARSE(app, argc, argv);
    return tapeloop::conformance::run_files(paths, list_passed);
}
