#pragma once

#include <nn/files/named_arrays.hpp>

#include <filesystem>
#include <span>

namespace tapeloop::nn {

/// Options of reading safetensors.
struct SafetensorsOptions {
    bool bytes_behind = false;  ///< whether bytes behind the last array are passed over
};

/// Reads a file of the safetensors format.
NamedArrays read_safetensors(const std::filesystem::path& file, SafetensorsOptions options = {});

/// Writes a file of the safetensors format.
void write_safetensors(const std::filesystem::path& file, std::span<const ArrayView> arrays,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace tapeloop::nn
