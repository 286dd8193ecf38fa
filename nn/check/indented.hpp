#pragma once

#include <sstream>
#include <string>

namespace tapeloop::nn::detail {

/// Every line of a text further to the right: a report within a report.
inline std::string indented(const std::string& text) {
    std::istringstream lines(text);
    std::string result;
    for (std::string line; std::getline(lines, line);) result += "  " + line + "\n";
    return result;
}

}  // namespace tapeloop::nn::detail
