#pragma once

#include <string>

/// Programs that draw: gnuplot and Graphviz.
namespace lab {

/// Whether there is a program of that name in one of the folders of PATH.
bool is_installed(const std::string& program);

/// Runs a command and pipes `text` into it; its complaints go to standard error. Whether it succeeded.
bool run_with(const std::string& command, const std::string& text);

}  // namespace lab
