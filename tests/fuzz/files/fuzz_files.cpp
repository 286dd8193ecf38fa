#include <tests/fuzz/files/check_file.hpp>
#include <tests/nn/files/file_bytes.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <chrono>

// Files of all formats, right ones and wrong ones, made at random from seeds, one after the other: see
// ../README.md.

namespace {

using namespace tapeloop;
using namespace tapeloop::fuzz;

struct Options {
    std::uint64_t seed = 1;
    std::size_t files = 0;
    double seconds = 0;
    std::string corpus;
};

constexpr std::array<const char*, format_count> names{"safetensors", "npy", "npz"};

Format format_of(std::uint64_t seed) {
#ifdef TAPELOOP_HAS_NPZ
    return static_cast<Format>(seed % format_count);
#else
    return static_cast<Format>(seed % 2);
#endif
}

/// A way to what no random bytes reach, for libFuzzer: each a byte that says the format, and a file.
int write_corpus(const Options& options) {
    std::filesystem::create_directories(options.corpus);
    for (std::uint64_t seed = options.seed; seed < options.seed + options.files; ++seed) {
        Bytes choices(seed);
        const Format format = format_of(seed);
        test::put_bytes(std::filesystem::path(options.corpus) / fmt::format("{}", seed),
                        static_cast<char>(format) + make_file(format, choices));
    }
    return 0;
}

/// Whether all is well; what is not is printed.
bool check_seed(std::uint64_t seed, std::array<std::size_t, format_count>& accepted) {
    const Format format = format_of(seed);
    std::string file;
    try {
        Bytes choices(seed);
        if (seed % 8 == 0 && !check_file(format, make_file(format, choices)))
            throw std::runtime_error("a right file was refused");
        file = make_changed_file(format, choices);
        accepted[static_cast<std::size_t>(format)] += check_file(format, file);
        return true;
    } catch (const std::exception& error) {
        fmt::print("--- seed {}, {}: {}\n", seed, names[static_cast<std::size_t>(format)], error.what());
        for (const char byte : file) fmt::print("\\x{:02x}", static_cast<unsigned char>(byte));
        fmt::print("\n");
        std::fflush(stdout);
        return false;
    }
}

int run(const Options& options) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto goes_on = [&](std::size_t done) {
        if (options.files > 0 && done >= options.files) return false;
        return options.seconds == 0 ||
               std::chrono::duration<double>(Clock::now() - start).count() < options.seconds;
    };
    std::array<std::size_t, format_count> accepted{};
    std::array<std::size_t, format_count> tried{};
    std::size_t findings = 0;
    std::size_t done = 0;
    for (; goes_on(done) && findings < 10; ++done) {
        const std::uint64_t seed = options.seed + done;
        ++tried[static_cast<std::size_t>(format_of(seed))];
        if (!check_seed(seed, accepted)) ++findings;
    }
    for (std::size_t k = 0; k < names.size(); ++k) {
        fmt::print("{:>10}  files of {}, {} of them right\n", tried[k], names[k], accepted[k]);
        // Neither all right nor all wrong, or it would try nothing.
        if (tried[k] >= 100 && (10 * accepted[k] < tried[k] || 10 * accepted[k] > 9 * tried[k])) {
            fmt::print("too few or too many files of {} are right\n", names[k]);
            ++findings;
        }
    }
    fmt::print("{:>10}  findings, from seed {}\n", findings, options.seed);
    return findings == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Reads random files");
    app.add_option("--seed", options.seed, "of the first file; the next one has the next seed");
    app.add_option("--files", options.files, "how many (1 without --seconds)");
    app.add_option("--seconds", options.seconds, "how long");
    app.add_option("--corpus", options.corpus,
                   "write right files into this folder, for libFuzzer to start from");
    CLI11_PARSE(app, argc, argv);
    if (options.files == 0 && options.seconds == 0) options.files = 1;
    return options.corpus.empty() ? run(options) : write_corpus(options);
}
