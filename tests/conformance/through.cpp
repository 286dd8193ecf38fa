#include "through.hpp"

#include <fmt/format.h>
#include <nn/files/naming/equinox.hpp>
#include <nn/files/naming/flax.hpp>
#include <nn/files/naming/keras.hpp>
#include <nn/files/naming/pytorch.hpp>
#include <nn/files/weights/weights.hpp>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>

namespace tapeloop::conformance {
namespace {

nn::Naming<double> naming_of(nn::Stack<double>& stack, const std::string& library) {
    try {
        if (library == "pytorch") return nn::pytorch(stack);
        if (library == "keras") return nn::keras(stack);
        if (library == "flax") return nn::flax(stack);
        if (library == "equinox") return nn::equinox(stack);
    } catch (const std::invalid_argument& error) {
        throw Refused(error.what());
    }
    return stack.parameters();
}

/// A file that is gone with this.
class ScratchFile {
  public:
    ScratchFile()
        : path_(std::filesystem::temp_directory_path() /
                fmt::format("conformance_{}.safetensors", getpid())) {}
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace

void send_through_file(nn::Stack<double>& stack, const std::string& library) {
    const nn::Naming<double> naming = naming_of(stack, library);
    const ScratchFile file;
    nn::save(file.path(), naming);
    for (const auto& [path, parameter] : stack.parameters()) {
        const std::span<double> values = parameter->update();
        std::fill(values.begin(), values.end(), std::numeric_limits<double>::quiet_NaN());
    }
    nn::load(file.path(), naming);
}

}  // namespace tapeloop::conformance
