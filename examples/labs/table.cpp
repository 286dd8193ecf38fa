#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lab {
namespace {

/// Characters, where every byte that does not continue a UTF-8 sequence begins one.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::string text = "  ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string space(widths[i] - width(cells[i]), ' ');
        text += i == 0 ? cells[i] + space : "  " + space + cells[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

}  // namespace

std::string table(const std::vector<std::string>& headings,
                  const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const std::string& heading : headings) widths.push_back(width(heading));
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    std::string text = line(headings, widths);
    for (const auto& row : rows) text += line(row, widths);
    return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace lab
