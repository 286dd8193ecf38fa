#include <fmt/format.h>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/latex.hpp>
#include <autograd/study/derivation/numerals.hpp>

#include <algorithm>

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

/// `left = side = side = ...`
struct Equation {
    std::string left;
    std::vector<std::string> sides;

    std::size_t width() const {
        std::size_t total = width_of(left);
        for (const std::string& side : sides) total += 3 + width_of(side);
        return total;
    }
};

/// Returns where the signs of a sum stand, outside of parentheses: at the space in front of each.
std::vector<std::size_t> signs_of(std::string_view text) {
    std::vector<std::size_t> places;
    std::size_t depth = 0;
    for (std::size_t at = 1; at + 2 < text.size(); ++at) {
        const char front = text[at - 1];
        if (front == '(' || front == '[') ++depth;
        if ((front == ')' || front == ']') && depth > 0) --depth;
        const bool is_sign =
            text[at] == ' ' && (text[at + 1] == '+' || text[at + 1] == '-') && text[at + 2] == ' ';
        if (depth == 0 && is_sign) places.push_back(at);
    }
    return places;
}

/// Adds a side to an equation, unless it says the same as its neighbour.
void add_side(Equation& equation, const std::string& side) {
    if (!side.empty() && (equation.sides.empty() || equation.sides.back() != side))
        equation.sides.push_back(side);
}

class Equations {
  public:
    explicit Equations(const DerivationOptions& options)
        : numerals_{options.printed_elements, options.digits} {}

    Equation of(const DerivationStep& step) const {
        Equation equation{step.left, {}};
        if (step.terms.size() > 1) add_side(equation, sum_over_time(step));
        add_side(equation,
                 detail::joined(collect(step, [](const DerivationTerm& term) { return term.text; })));
        const bool has_numbers =
            std::all_of(step.terms.begin(), step.terms.end(),
                        [](const DerivationTerm& term) { return !term.numbers.empty(); });
        if (has_numbers)
            add_side(equation,
                     detail::joined(collect(step, [](const DerivationTerm& term) { return term.numbers; })));
        if (step.terms.size() > 1 && are_printed(step))
            add_side(equation, detail::joined(collect(step, [this](const DerivationTerm& term) {
                         return detail::numeral(term.value, numerals_);
                     })));
        add_side(equation, detail::numeral(step.value, numerals_));
        return equation;
    }

  private:
    /// `Σₜ hₜ₋₁ᵀ ∂J/∂aₜ`, if every term is that of its time step; a term that is a sum itself in parentheses.
    static std::string sum_over_time(const DerivationStep& step) {
        const std::string& first = step.terms.front().at_any_time;
        const bool is_same =
            std::all_of(step.terms.begin(), step.terms.end(),
                        [&](const DerivationTerm& term) { return term.at_any_time == first; });
        if (!is_same || first.empty()) return {};
        return signs_of(first).empty() ? "Σₜ " + first : "Σₜ (" + first + ")";
    }
    bool are_printed(const DerivationStep& step) const {
        return std::all_of(step.terms.begin(), step.terms.end(), [this](const DerivationTerm& term) {
            return detail::is_printed(term.value, numerals_);
        });
    }
    static std::vector<std::string> collect(const DerivationStep& step, const auto& text) {
        std::vector<std::string> texts;
        for (const DerivationTerm& term : step.terms) texts.push_back(text(term));
        return texts;
    }

    detail::NumeralOptions numerals_;
};

std::vector<Equation> equations_of(const std::vector<DerivationStep>& steps,
                                   const DerivationOptions& options) {
    std::vector<Equation> equations;
    for (const DerivationStep& step : steps) equations.push_back(Equations(options).of(step));
    return equations;
}

/// A side that is too long, broken before a sum's sign.
std::vector<std::string> broken(const std::string& side, std::size_t width) {
    std::vector<std::string> lines;
    std::string rest = side;
    while (width_of(rest) > width) {
        std::size_t cut = std::string::npos;
        for (std::size_t at : signs_of(rest))
            if (width_of(rest.substr(0, at)) < width) cut = at;
        if (cut == std::string::npos) break;
        lines.push_back(rest.substr(0, cut));
        rest = rest.substr(cut + 1);
    }
    lines.push_back(rest);
    return lines;
}

/// All sides on one line if they fit, in columns that the others share; else one below the other.
std::string text_of(const std::vector<Equation>& equations, std::size_t line_width) {
    std::size_t left = 0;
    std::vector<std::size_t> columns;
    for (const Equation& equation : equations) {
        left = std::max(left, width_of(equation.left));
        if (equation.width() + 2 > line_width) continue;
        columns.resize(std::max(columns.size(), equation.sides.size()), 0);
        for (std::size_t k = 0; k + 1 < equation.sides.size(); ++k)
            columns[k] = std::max(columns[k], width_of(equation.sides[k]));
    }
    std::size_t aligned = left + 2;
    for (std::size_t column : columns) aligned += column + 3;
    std::string text;
    for (const Equation& equation : equations) {
        text += "  " + padded(equation.left, left);
        const bool fits = equation.width() + 2 <= line_width;
        for (std::size_t k = 0; k < equation.sides.size(); ++k) {
            if (k > 0 && !fits) text += "\n  " + std::string(left, ' ');
            const std::vector<std::string> lines =
                broken(equation.sides[k], line_width - std::min(line_width, left + 5));
            for (std::size_t line = 0; line < lines.size(); ++line)
                text += line == 0 ? " = " + lines[0] : "\n  " + std::string(left + 5, ' ') + lines[line];
            const bool is_last = k + 1 == equation.sides.size();
            if (fits && !is_last && aligned < line_width + 12)
                text += std::string(columns[k] - std::min(columns[k], width_of(equation.sides[k])), ' ');
        }
        text += "\n";
    }
    return text;
}

std::string latex_of(const std::vector<Equation>& equations, std::size_t line_width) {
    std::string text = "\\begin{align*}\n";
    for (const Equation& equation : equations) {
        const bool fits = equation.width() <= line_width * 3 / 4;
        std::string line = "  " + latex(equation.left);
        for (std::size_t k = 0; k < equation.sides.size(); ++k) {
            if (k > 0 && !fits) line += " \\\\\n   ";
            const std::vector<std::string> parts = broken(equation.sides[k], line_width * 3 / 4);
            line += (k == 0 || !fits ? " &= " : " = ") + latex(parts[0]);
            for (std::size_t part = 1; part < parts.size(); ++part)
                line += " \\\\\n    &\\quad " + latex(parts[part]);
        }
        text += line + (&equation == &equations.back() ? "\n" : " \\\\\n");
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
