#include "graph_picture.hpp"

#include "program.hpp"

namespace lab {
namespace {

/// Quotes a text for the shell, between single quotes.
std::string shell_quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

}  // namespace

void save_graph(const std::string& dot, const std::filesystem::path& path) {
    draw("dot", "graphviz", path, [&](const std::filesystem::path& place) {
        return run_with("dot -Tsvg -o " + shell_quoted(place.string()), dot);
    });
}

}  // namespace lab
