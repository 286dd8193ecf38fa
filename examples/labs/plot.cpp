#include "plot.hpp"

#include "program.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lab {
namespace {

/// Gnuplot's text between single quotes, in which nothing but the quote itself is special.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
    return result + "'";
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

/// Okabe and Ito's colours, which colour-blind readers can tell apart; the first is for the truth.
constexpr std::array line_colours{"#c8c8c8", "#0072b2", "#d55e00", "#009e73", "#cc79a7"};

std::string drawn_as(Style style, const std::string& colour) {
    switch (style) {
        case Style::line:
            return fmt::format("with lines lw 2 lc rgb '{}'", colour);
        case Style::wide:
            return fmt::format("with lines lw 7 lc rgb '{}'", colour);
        case Style::points:
            return fmt::format("with points pt 7 ps 0.4 lc rgb '{}'", colour);
        case Style::line_points:
            return fmt::format("with linespoints lw 1.5 pt 7 ps 0.5 lc rgb '{}'", colour);
    }
    return "";
}

std::string titles(const std::string& title, const std::string& x_label, const std::string& y_label) {
    return fmt::format("set title {}\nset xlabel {} offset 0, 0.4\nset ylabel {}\n", quoted(title),
                       quoted(x_label), quoted(y_label));
}

std::string commands(const LinePlot& plot) {
    std::string text = "reset\n";
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < plot.series.size(); ++i) {
        const Series& series = plot.series[i];
        text += fmt::format("$series{} << EOD\n", i);
        for (std::size_t k = 0; k < series.x.size(); ++k)
            text += fmt::format("{} {}\n", series.x[k], series.y[k]);
        text += "EOD\n";
        parts.push_back(fmt::format("$series{} title {} {}", i, quoted(series.name),
                                    drawn_as(series.style, line_colours[i % line_colours.size()])));
    }
    text += titles(plot.title, plot.x_label, plot.y_label);
    text +=
        "set border 3 lc rgb '#555555'\nset tics nomirror\nset grid lc rgb '#dddddd' lw 1\n"
        "set key bmargin center horizontal reverse Left samplen 2.5 title ' '\n"
        "set autoscale fix\nset offsets graph 0.02, graph 0.02, graph 0.05, graph 0.05\n";
    return text + "plot " + joined(parts) + "\n";
}

std::string tics(const std::vector<std::string>& names) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < names.size(); ++i) parts.push_back(fmt::format("{} {}", quoted(names[i]), i));
    return "(" + joined(parts) + ")";
}

std::string commands(const HeatMap& map) {
    if (map.rows.empty() || map.columns.empty()) return "set multiplot next\n";
    std::string text = "reset\n$cells << EOD\n";
    for (std::size_t row = 0; row < map.rows.size(); ++row)
        for (std::size_t column = 0; column < map.columns.size(); ++column)
            text += fmt::format("{} {} {:.4f}\n", column, row, map.values[row][column]);
    text += "EOD\n" + titles(map.title, map.x_label, map.y_label);
    text += fmt::format("set xtics {}\nset ytics {}\nset xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\n",
                        tics(map.columns), tics(map.rows), map.columns.size() - 1, map.rows.size() - 1);
    text +=
        "unset key\nset border lc rgb '#555555'\nset tics scale 0\nset cbrange [0:1]\n"
        "set palette defined (0 '#ffffff', 0.5 '#6baed6', 1 '#08306b')\n"
        "plot $cells using 1:2:3 with image pixels";
    if (map.numbers)
        text +=
            ", $cells using 1:2:(sprintf('%.2f', $3)):($3 > 0.5 ? 0xffffff : 0) with labels tc rgb variable";
    return text + "\n";
}

std::string commands(const Image& image) {
    const std::size_t height = image.pixels.size() / image.width;
    std::string text = "reset\n$pixels << EOD\n";
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
        const auto [red, green, blue] = image.pixels[i];
        text += fmt::format("{} {} {} {} {}\n", i % image.width, i / image.width, red, green, blue);
    }
    text += "EOD\n" + titles(image.above, image.below, "");
    if (image.marked) text += "set title tc rgb '#d55e00'\nset xlabel tc rgb '#d55e00'\n";
    text +=
        "unset key\nunset tics\nset border lc rgb '#aaaaaa'\nset size ratio -1\n"
        "set lmargin 1\nset rmargin 1\nset tmargin 2.5\nset bmargin 2\n";
    text += fmt::format("set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\n", image.width - 1, height - 1);
    return text + "plot $pixels with rgbimage pixels\n";
}

}  // namespace

void save(const Figure& figure, const std::filesystem::path& path) {
    const std::size_t rows = (figure.panels.size() + figure.columns - 1) / figure.columns;
    draw("gnuplot", "gnuplot-nox", path, [&](const std::filesystem::path& place) {
        std::string text = fmt::format(
            "set terminal svg size {},{} font 'DejaVu Sans,13' background 'white' noenhanced\nset output {}\n"
            "set encoding utf8\nset multiplot layout {},{}\n",
            figure.columns * figure.panel_width, rows * figure.panel_height, quoted(place.string()), rows,
            figure.columns);
        for (const Panel& panel : figure.panels)
            text += std::visit([](const auto& one) { return commands(one); }, panel);
        return run_with("gnuplot", text + "unset multiplot\nset output\n");
    });
}

}  // namespace lab
