#pragma once

#include <string>
#include <vector>

/// This file names the inputs of a cell for reports: x, the parts of its state, and its parameters.
namespace tapeloop::nn::detail {

/// `state`, or `state[0]`, `state[1]`, ...
inline std::vector<std::string> state_names(std::size_t parts) {
    if (parts == 1) return {"state"};
    std::vector<std::string> names;
    for (std::size_t part = 0; part < parts; ++part) names.push_back("state[" + std::to_string(part) + "]");
    return names;
}

/// Names a parameter by its path, or `parameter x` for one whose path is the name of another input.
inline std::string parameter_name(const std::string& path) {
    const bool is_taken = path == "x" || path == "state" || path.starts_with("state[");
    return is_taken ? "parameter " + path : path;
}

}  // namespace tapeloop::nn::detail
