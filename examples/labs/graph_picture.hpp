#pragma once

#include <filesystem>
#include <string>

namespace lab {

/// Draws a graph in Graphviz's language as an SVG file and says on standard output where it is, or why there
/// is none: Graphviz may be missing.
void save_graph(const std::string& dot, const std::filesystem::path& path);

}  // namespace lab
