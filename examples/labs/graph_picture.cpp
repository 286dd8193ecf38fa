#include "graph_picture.hpp"

#include "program.hpp"

#include <fmt/format.h>

namespace lab {
namespace {

/// For the shell, between single quotes.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

}  // namespace

void save_graph(const std::string& dot, const std::filesystem::path& path) {
    if (!is_installed("dot"))
        fmt::print("No {}: Graphviz is not installed (on Debian: apt-get install graphviz).\n",
                   path.filename().string());
    else if (run_with("dot -Tsvg -o " + quoted(path.string()), dot))
        fmt::print("Picture: {}\n", path.string());
    else
        fmt::print("No {}: Graphviz failed.\n", path.filename().string());
}

}  // namespace lab
