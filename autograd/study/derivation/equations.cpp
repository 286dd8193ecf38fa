#include <autograd/study/derivation/equations.hpp>
#include <autograd/study/derivation/numerals.hpp>

#include <algorithm>

namespace tapeloop::detail {
namespace {

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
        add_side(equation, joined(collect(step, [](const DerivationTerm& term) { return term.text; })));
        const bool has_numbers =
            std::all_of(step.terms.begin(), step.terms.end(),
                        [](const DerivationTerm& term) { return !term.numbers.empty(); });
        if (has_numbers)
            add_side(equation,
                     joined(collect(step, [](const DerivationTerm& term) { return term.numbers; })));
        if (step.terms.size() > 1 && are_printed(step))
            add_side(equation, joined(collect(step, [this](const DerivationTerm& term) {
                         return numeral(term.value, numerals_);
                     })));
        add_side(equation, numeral(step.value, numerals_));
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
        return std::all_of(step.terms.begin(), step.terms.end(),
                           [this](const DerivationTerm& term) { return is_printed(term.value, numerals_); });
    }
    static std::vector<std::string> collect(const DerivationStep& step, const auto& text) {
        std::vector<std::string> texts;
        for (const DerivationTerm& term : step.terms) texts.push_back(text(term));
        return texts;
    }

    NumeralOptions numerals_;
};

}  // namespace

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

std::vector<Equation> equations_of(const std::vector<DerivationStep>& steps,
                                   const DerivationOptions& options) {
    std::vector<Equation> equations;
    for (const DerivationStep& step : steps) equations.push_back(Equations(options).of(step));
    return equations;
}

}  // namespace tapeloop::detail
