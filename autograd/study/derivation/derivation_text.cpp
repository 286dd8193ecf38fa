#include <fmt/format.h>
#include <autograd/study/derivation/equations.hpp>
#include <autograd/study/derivation/latex.hpp>

#include <algorithm>
#include <optional>

namespace tapeloop {

using namespace detail;

namespace {

/// Columns in a terminal: characters, not bytes.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}
std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(std::max(width, width_of(text)) - width_of(text), ' ');
}

/// Returns the columns that an equation takes on one line.
std::size_t width_of(const Equation& equation) {
    std::size_t total = width_of(equation.left);
    for (const std::string& side : equation.sides) total += 3 + width_of(side);
    return total;
}

/// A space at which a line may be broken; the smaller the rank the better.
struct Break {
    std::size_t at;
    int rank;
};

bool is_operator(std::string_view word) {
    return word == "+" || word == "-" || word == "⊙" || word == "·" || word == "/" || word == "=";
}

/// The signs of a sum first, then the factors of a product, then the same in parentheses; never in a matrix.
std::vector<Break> breaks_of(std::string_view text) {
    const std::vector<std::size_t> signs = signs_of(text);
    std::vector<Break> breaks;
    std::size_t parentheses = 0;
    std::size_t brackets = 0;
    std::size_t word = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '(') ++parentheses;
        if (c == ')' && parentheses > 0) --parentheses;
        if (c == '[') ++brackets;
        if (c == ']' && brackets > 0) --brackets;
        if (c != ' ') continue;
        // An operator stays with what follows it.
        const bool is_behind_operator = is_operator(text.substr(word, at - word));
        word = at + 1;
        if (at == 0 || brackets > 0 || is_behind_operator) continue;
        const std::string_view next = text.substr(word, text.find(' ', word) - word);
        const bool is_sign = next == "+" || next == "-";
        breaks.push_back({at, (parentheses == 0 ? 0 : 2) + (is_sign ? 0 : 1)});
    }
    return breaks;
}

/// A side that is too long, broken where it reads best.
std::vector<std::string> broken(const std::string& side, std::size_t width) {
    std::vector<std::string> lines;
    std::string rest = side;
    while (width_of(rest) > width) {
        std::optional<Break> cut;
        for (const Break& one : breaks_of(rest)) {
            const bool fits = width_of(rest.substr(0, one.at)) <= width;
            if (cut.has_value() && (!fits || one.rank > cut->rank)) continue;
            cut = one;  // the first one in any case: a word that is too long stays whole
        }
        if (!cut.has_value()) break;
        lines.push_back(rest.substr(0, cut->at));
        rest = rest.substr(cut->at + 1);
    }
    lines.push_back(rest);
    return lines;
}

/// LaTeX whose lines keep the width, too: where it has a space it may as well have the end of a line. One
/// outside of braces, if there is one.
std::string wrapped(const std::string& line, std::size_t width) {
    constexpr std::size_t indent = 4;
    std::string result;
    std::size_t begin = 0;
    while (line.size() - begin + (begin == 0 ? 0 : indent) > width) {
        const std::size_t room = width - (begin == 0 ? 0 : indent);
        std::size_t inside = std::string::npos;
        std::size_t outside = std::string::npos;
        int depth = 0;
        for (std::size_t at = begin; at < line.size(); ++at) {
            if (line[at] == '{') ++depth;
            if (line[at] == '}') --depth;
            const bool is_late = at > begin + room;
            if (is_late && (inside != std::string::npos || outside != std::string::npos)) break;
            if (line[at] != ' ' || at < begin + 8 || line[at - 1] == '\\') continue;
            (depth == 0 ? outside : inside) = at;
        }
        const bool is_far_back = outside == std::string::npos || outside < begin + room / 2;
        const std::size_t cut = is_far_back && inside != std::string::npos ? inside : outside;
        if (cut == std::string::npos) break;
        result += line.substr(begin, cut - begin) + "\n" + std::string(indent, ' ');
        begin = cut + 1;
    }
    return result + line.substr(begin);
}

/// All sides on one line if they fit, in columns that the others share; else one below the other.
std::string text_of(const std::vector<Equation>& equations, std::size_t line_width) {
    std::size_t left = 0;
    std::vector<std::size_t> columns;
    for (const Equation& equation : equations) {
        left = std::max(left, width_of(equation.left));
        if (width_of(equation) + 2 > line_width) continue;  // one below the other
        columns.resize(std::max(columns.size(), equation.sides.size()), 0);
        for (std::size_t k = 0; k + 1 < equation.sides.size(); ++k)
            columns[k] = std::max(columns[k], width_of(equation.sides[k]));
    }
    const auto aligned_width = [&](const Equation& equation) {
        std::size_t width = left + 2;
        for (std::size_t k = 0; k < equation.sides.size(); ++k)
            width += 3 + (k + 1 < equation.sides.size() ? std::max(columns[k], width_of(equation.sides[k]))
                                                        : width_of(equation.sides[k]));
        return width;
    };
    std::string text;
    for (const Equation& equation : equations) {
        text += "  " + padded(equation.left, left);
        const bool fits = left + width_of(equation) - width_of(equation.left) + 2 <= line_width;
        const bool is_aligned = fits && aligned_width(equation) <= line_width;
        for (std::size_t k = 0; k < equation.sides.size(); ++k) {
            if (k > 0 && !fits) text += "\n  " + std::string(left, ' ');
            const std::vector<std::string> lines =
                broken(equation.sides[k], line_width - std::min(line_width, left + 7));
            for (std::size_t line = 0; line < lines.size(); ++line)
                text += line == 0 ? " = " + lines[0] : "\n  " + std::string(left + 5, ' ') + lines[line];
            const bool is_last = k + 1 == equation.sides.size();
            if (is_aligned && !is_last)
                text += std::string(columns[k] - std::min(columns[k], width_of(equation.sides[k])), ' ');
        }
        text += "\n";
    }
    return text;
}

std::string latex_of(const std::vector<Equation>& equations, std::size_t line_width) {
    std::string text = "\\begin{align*}\n";
    for (const Equation& equation : equations) {
        const bool fits = width_of(equation) <= line_width * 3 / 4;
        std::vector<std::string> rows{"  " + latex(equation.left)};
        for (std::size_t k = 0; k < equation.sides.size(); ++k) {
            if (k > 0 && !fits) rows.emplace_back("   ");
            const std::vector<std::string> parts = broken(equation.sides[k], line_width * 3 / 4);
            rows.back() += (k == 0 || !fits ? " &= " : " = ") + latex(parts[0]);
            for (std::size_t part = 1; part < parts.size(); ++part)
                rows.push_back("    &\\quad " + latex(parts[part]));
        }
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const bool is_last = &equation == &equations.back() && row + 1 == rows.size();
            text += wrapped(rows[row] + (is_last ? "" : " \\\\"), line_width) + "\n";
        }
    }
    return text + "\\end{align*}\n";
}

struct Section {
    std::string_view title;
    const std::vector<DerivationStep>& steps;
};

std::vector<Section> sections_of(const Derivation& derivation) {
    return {{"Given", derivation.given},
            {"Forward", derivation.forward},
            {"Backward", derivation.backward},
            {"Gradients", derivation.gradients}};
}

constexpr std::string_view legend =
    "a b is the product of matrices, a ⊙ b of elements; time steps count from 1, and 0 is before them.";
constexpr std::string_view legend_of_sums = "sum() adds up what was broadcast, such as the rows of a batch.";

}  // namespace

std::string Derivation::text() const {
    std::string text;
    for (const Section& section : sections_of(*this))
        if (!section.steps.empty())
            text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", section.title,
                                text_of(equations_of(section.steps, options), options.line_width));
    const bool has_sums = text.find("sum(") != std::string::npos;
    return fmt::format("{}\n{}\n{}{}", text, legend, has_sums ? legend_of_sums : "", has_sums ? "\n" : "");
}

std::string Derivation::latex() const {
    std::string text;
    for (const Section& section : sections_of(*this))
        if (!section.steps.empty())
            text += fmt::format("\\paragraph{{{}}}\n{}", section.title,
                                latex_of(equations_of(section.steps, options), options.line_width));
    return text;
}

}  // namespace tapeloop
