#include <tests/fuzz/builder.hpp>
#include <tests/fuzz/check.hpp>
#include <tests/fuzz/finding.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <malloc.h>

#include <chrono>

// Programs of all operations, made at random from seeds, one after the other: see README.md.

namespace {

using namespace tapeloop;
using namespace tapeloop::fuzz;

struct Options {
    std::uint64_t seed = 1;
    std::size_t programs = 0;
    double seconds = 0;
    bool print = false;
};

/// Whether all is well; what is not is printed.
bool check_seed(std::uint64_t seed, const Options& options, Counts& counts) {
    Program program;
    try {
        program = make_program(Bytes(seed));
        if (options.print) fmt::print("{}", program.text());
        check_program(program, counts);
        return true;
    } catch (const std::exception& error) {
        fmt::print("--- seed {}: {}\n{}\n", seed, error.what(), program.text());
        std::fflush(stdout);
        return false;
    }
}

std::size_t bytes_in_use() {
    release_pooled_memory();
    const auto usage = mallinfo2();
    return usage.uordblks + usage.hblkhd;
}

/// Differences must be able to tell, most of the time.
bool has_checked_enough(const Counts& counts) {
    return 4 * counts["gradient checked"] >= counts["programs"] &&
           5 * counts["second order checked"] >= counts["programs"];
}

int run(const Options& options) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto goes_on = [&](std::size_t done) {
        if (options.programs > 0 && done >= options.programs) return false;
        return options.seconds == 0 ||
               std::chrono::duration<double>(Clock::now() - start).count() < options.seconds;
    };
    // The first programs set up what stays until the end of the process.
    constexpr std::size_t programs_of_warm_up = 200;
    constexpr std::size_t most_bytes_left = 256 << 10;  // what malloc keeps of small blocks counts as used
    Counts counts;
    std::size_t findings = 0;
    std::size_t done = 0;
    std::size_t bytes_before = 0;
    for (; goes_on(done) && findings < 10; ++done) {
        if (done == programs_of_warm_up) bytes_before = bytes_in_use();
        if (!check_seed(options.seed + done, options, counts)) ++findings;
    }
    fmt::print("{}{:>10}  findings, from seed {}\n", counts.text(), findings, options.seed);
    if (done > programs_of_warm_up && findings == 0 && bytes_in_use() > bytes_before + most_bytes_left) {
        fmt::print("{} bytes are in use that were not after {} programs\n", bytes_in_use() - bytes_before,
                   programs_of_warm_up);
        ++findings;
    }
    if (done >= programs_of_warm_up && !has_checked_enough(counts)) {
        fmt::print("too few programs could be checked by differences\n");
        ++findings;
    }
    return findings == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Checks programs of random operations");
    app.add_option("--seed", options.seed, "of the first program; the next one has the next seed");
    app.add_option("--programs", options.programs, "how many (1 without --seconds)");
    app.add_option("--seconds", options.seconds, "how long");
    app.add_flag("--print", options.print, "print every program");
    CLI11_PARSE(app, argc, argv);
    if (options.programs == 0 && options.seconds == 0) options.programs = 1;
    return run(options);
}
