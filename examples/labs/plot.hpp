#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Pictures, drawn by gnuplot, which runs as a child process and reads commands and data from a pipe.
namespace lab {

enum class Style { line, wide, points, line_points };

struct Series {
    std::string name;  ///< in the legend
    std::vector<double> x;
    std::vector<double> y;
    Style style = Style::line;
};

struct LinePlot {
    std::string title;
    std::string x_label;
    std::string y_label;
    std::vector<Series> series;  ///< the first one is drawn in grey: the truth
};

/// Values from 0 to 1 as colours, the first row on top.
struct HeatMap {
    std::string title;
    std::string x_label;
    std::string y_label;
    std::vector<std::string> columns;
    std::vector<std::string> rows;
    std::vector<std::vector<double>> values;  ///< of each row
    bool numbers = false;                     ///< write each value into its cell
};

/// A small image, the first row on top.
struct Image {
    std::string above;
    std::string below;
    std::size_t width;
    std::vector<std::array<std::uint8_t, 3>> pixels;  ///< red, green, blue
    bool marked = false;                              ///< write the texts in another colour
};

using Panel = std::variant<LinePlot, HeatMap, Image>;

/// Panels side by side, `columns` in a row.
struct Figure {
    std::vector<Panel> panels;
    std::size_t columns = 1;
    std::size_t panel_width = 720;
    std::size_t panel_height = 400;
};

/// Writes an SVG file and says on standard output where it is, or why there is none: gnuplot may be missing.
void save(const Figure& figure, const std::filesystem::path& path);

}  // namespace lab
