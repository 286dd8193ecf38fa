#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

/// This file has what the labs share; each lab is a program of its own, and its source is the text to read.
namespace lab {

struct Options {
    std::uint64_t seed = 1;
    bool quick = false;
    std::filesystem::path output = ".";

    /// `full` steps of training, or `small` ones in a quick run.
    std::size_t steps(std::size_t full, std::size_t small) const { return quick ? small : full; }
};

/// The whole of a lab's `main`: reads `--seed`, `--quick` and `--output`, makes the output folder, and calls
/// `perform`, whose result is the exit code. Bad arguments give 2, whatever is thrown gives 1, both with a
/// message.
int run(int count, char** arguments, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& perform);

}  // namespace lab
