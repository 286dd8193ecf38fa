#pragma once

#include <filesystem>
#include <functional>
#include <string>

/// Programs that draw: gnuplot and Graphviz.
namespace lab {

/// Returns whether there is a program of that name in one of the folders of PATH.
bool is_installed(const std::string& program);

/// Runs a command and pipes `text` into it; its complaints go to standard error. Whether it succeeded.
bool run_with(const std::string& command, const std::string& text);

/// Has `program`, which Debian's `package` holds, draw a picture, and says where it is or why it is not.
/// `make` is told where to put it, beside its place, and returns whether it is there.
void draw(const std::string& program, const std::string& package, const std::filesystem::path& picture,
          const std::function<bool(const std::filesystem::path&)>& make);

/// Returns whether no picture failed so far, but for programs that are not installed.
bool all_drawn();

}  // namespace lab
