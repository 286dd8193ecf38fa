#include "outputs.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace char_rnn {
namespace {

// What they take at least.
constexpr std::size_t curve_bytes = 4096;
constexpr std::size_t page_bytes = 1 << 20;

/// Returns whether both are the same place, whether anything is there yet or not.
bool same_place(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code error;
    const auto folder = [](const std::filesystem::path& path) {
        return path.has_parent_path() ? path.parent_path() : ".";
    };
    return a.filename() == b.filename() && std::filesystem::equivalent(folder(a), folder(b), error);
}

}  // namespace

Outputs outputs_of(const Options& options) {
    program::prepare_folder("--output", options.output);
    Outputs outputs{
        program::OutputFile("--output", options.output / "char_rnn_loss.csv", {options.file}, curve_bytes),
        {}};
    if (options.study.empty()) return outputs;
    outputs.page.emplace("--study", options.study, std::vector{options.file}, page_bytes);
    if (same_place(options.study, outputs.curve.path()))
        throw std::invalid_argument(fmt::format(
            "--study '{}': is the place of the loss curve; give another name", options.study.string()));
    return outputs;
}

}  // namespace char_rnn
