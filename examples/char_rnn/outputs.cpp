#include "outputs.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>
#include <vector>

namespace char_rnn {
namespace {

// What they take at least.
constexpr std::size_t curve_bytes = 4096;
constexpr std::size_t page_bytes = 1 << 20;
constexpr std::size_t checkpoint_bytes = 16384;
constexpr std::size_t bytes_per_weight = 3 * sizeof(float);  // Adam keeps two numbers more

/// Returns whether both are the same place, whether anything is there yet or not.
bool same_place(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code error;
    const auto folder = [](const std::filesystem::path& path) {
        return path.has_parent_path() ? path.parent_path() : ".";
    };
    return a.filename() == b.filename() && std::filesystem::equivalent(folder(a), folder(b), error);
}

/// Throws when a file is at the place of another one that is written; either may be empty.
void require_apart(std::string_view flag, const std::filesystem::path& file,
                   const std::filesystem::path& other, std::string_view what) {
    if (!file.empty() && !other.empty() && same_place(file, other))
        throw std::invalid_argument(
            fmt::format("{} '{}': is the place {}; give another name", flag, file.string(), what));
}

}  // namespace

Outputs outputs_of(const Options& options, std::size_t weights) {
    program::prepare_folder("--output", options.output);
    Outputs outputs;
    outputs.curve.emplace("--output", options.output / "char_rnn_loss.csv", std::vector{options.file},
                          curve_bytes);
    const std::vector inputs{options.file};
    if (!options.study.empty()) outputs.page.emplace("--study", options.study, inputs, page_bytes);
    if (!options.checkpoint.empty())
        outputs.checkpoint.emplace("--checkpoint", options.checkpoint, inputs,
                                   checkpoint_bytes + bytes_per_weight * weights);
    require_apart("--study", options.study, outputs.curve->path(), "of the loss curve");
    require_apart("--checkpoint", options.checkpoint, outputs.curve->path(), "of the loss curve");
    require_apart("--checkpoint", options.checkpoint, options.study, "of the study page");
    return outputs;
}

}  // namespace char_rnn
