#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/latex.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace tapeloop {
namespace {

using Pairs = std::pair<std::string_view, std::string_view>;

constexpr Pairs symbols[] = {
    {"⊙", "\\odot"},   {"·", "\\cdot"},       {"×", "\\times"}, {"Σ", "\\sum"},
    {"Π", "\\prod"},   {"∂", "\\partial"},    {"≤", "\\le"},    {"≥", "\\ge"},
    {"≠", "\\ne"},     {"≈", "\\approx"},     {"∞", "\\infty"}, {"…", "\\ldots"},
    {"−", "-"},        {"α", "\\alpha"},      {"β", "\\beta"},  {"γ", "\\gamma"},
    {"δ", "\\delta"},  {"ε", "\\varepsilon"}, {"η", "\\eta"},   {"θ", "\\theta"},
    {"λ", "\\lambda"}, {"μ", "\\mu"},         {"ρ", "\\rho"},   {"σ", "\\sigma"},
    {"τ", "\\tau"},    {"π", "\\pi"},         {"Φ", "\\Phi"},   {"φ", "\\varphi"},
    {"ω", "\\omega"},  {"ℓ", "\\ell"},        {"′", "'"},       {"‖", "\\|"},
    {"→", "\\to"},     {"\\", "\\backslash"}, {"{", "\\{"},     {"}", "\\}"},
    {"%", "\\%"},      {"#", "\\#"},          {"&", "\\&"},     {"$", "\\$"},
    {"~", "\\sim"},    {"_", "\\_"},
};

// In the order of the digits, the signs and the letters that Unicode has.
constexpr Pairs subscripts[] = {
    {"₀", "0"}, {"₁", "1"}, {"₂", "2"}, {"₃", "3"}, {"₄", "4"}, {"₅", "5"}, {"₆", "6"}, {"₇", "7"},
    {"₈", "8"}, {"₉", "9"}, {"₊", "+"}, {"₋", "-"}, {"ₜ", "t"}, {"ᵢ", "i"}, {"ⱼ", "j"}, {"ₖ", "k"},
};
constexpr Pairs superscripts[] = {
    {"⁰", "0"}, {"¹", "1"}, {"²", "2"}, {"³", "3"}, {"⁴", "4"}, {"⁵", "5"},      {"⁶", "6"},
    {"⁷", "7"}, {"⁸", "8"}, {"⁹", "9"}, {"⁺", "+"}, {"⁻", "-"}, {"ᵀ", "\\top "},
};
constexpr std::string_view functions[] = {"exp", "log", "sin", "cos", "tanh", "max", "min"};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
/// Returns whether a symbol stands for a letter: Greek ones have two bytes.
bool is_letter_symbol(std::string_view symbol) {
    return symbol == "ℓ" ||
           (symbol.size() == 2 && symbol != "Σ" && symbol != "Π" && symbol != "×" && symbol != "·");
}
bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

const Pairs* front_of(std::string_view text, const auto& pairs) {
    const auto* found = std::find_if(std::begin(pairs), std::end(pairs),
                                     [text](const Pairs& pair) { return text.starts_with(pair.first); });
    return found == std::end(pairs) ? nullptr : found;
}

/// Reads a text from its front and writes LaTeX.
class Typesetter {
  public:
    explicit Typesetter(std::string_view text) : rest_(text) {}

    std::string all() {
        while (!rest_.empty()) write_one();
        return result_;
    }

  private:
    /// The kind of thing at the end of the result, as far as the space behind it is concerned.
    enum class End { nothing, sign, atom, word };

    void write_one() {
        if (rest_.front() == ' ') {
            rest_.remove_prefix(1);
            spaced_ = true;
        } else if (const std::string fraction = take_fraction(); !fraction.empty()) {
            put(fraction, End::atom);
        } else if (const std::string matrix = take_matrix(); !matrix.empty()) {
            put(matrix, End::atom);
        } else if (const std::optional<std::string> inside = take_parentheses()) {
            const bool is_tall =
                inside->find("\\begin") != std::string::npos || inside->find("\\frac") != std::string::npos;
            put(is_tall ? "\\left(" + *inside + "\\right)" : "(" + *inside + ")", End::atom);
        } else if (detail::is_letter(rest_.front())) {
            write_word();
        } else if (rest_.starts_with("√")) {
            rest_.remove_prefix(std::string_view("√").size());
            put("\\sqrt{" + take_group() + "}", End::atom);
        } else if (rest_.front() == '^') {
            rest_.remove_prefix(1);
            add_script("^", take_group());
        } else if (!write_scripts(subscripts, "_") && !write_scripts(superscripts, "^")) {
            write_symbol();
        }
    }

    void write_word() {
        const std::string_view word = take_word();
        if (std::find(std::begin(functions), std::end(functions), word) != std::end(functions))
            put("\\" + std::string(word), rest_.starts_with("(") ? End::sign : End::atom);
        else if (word.size() == 1)
            put(std::string(word), End::atom);
        else if (detail::is_letter(word[0]) && word[1] == '_' && word.size() > 2)
            write_indexed(word);
        else if (rest_.starts_with("("))
            put("\\operatorname{" + escaped(word) + "}", End::sign);
        else
            put("\\text{" + escaped(word) + "}", End::word);
    }

    /// `x_in`
    void write_indexed(std::string_view word) {
        put(std::string(1, word[0]), End::atom);
        add_script("_", escaped(word.substr(2)));
    }

    /// Adds a subscript or a superscript to what was put last. A second one goes over both, for TeX has none.
    void add_script(std::string_view mark, const std::string& script) {
        bool& has_one = mark == "^" ? has_power_ : has_index_;
        if (has_one) enclose();
        result_ += std::string(mark) + "{" + script + "}";
        has_one = true;
    }
    void enclose() {
        result_ = result_.substr(0, last_) + "{" + result_.substr(last_) + "}";
        has_power_ = has_index_ = false;
    }

    bool write_scripts(const auto& pairs, std::string_view mark) {
        std::string scripts;
        for (const Pairs* pair = front_of(rest_, pairs); pair != nullptr; pair = front_of(rest_, pairs)) {
            scripts += pair->second;
            rest_.remove_prefix(pair->first.size());
        }
        if (scripts.empty()) return false;
        if (scripts.back() == ' ') scripts.pop_back();
        add_script(mark, scripts);
        if (end_ != End::sign) end_ = End::atom;  // of a sum they are its range
        return true;
    }

    void write_symbol() {
        if (const Pairs* symbol = front_of(rest_, symbols)) {
            if (symbol->second == "'" && has_power_) enclose();
            rest_.remove_prefix(symbol->first.size());
            // A command ends where no letter follows.
            const bool is_open = detail::is_letter(symbol->second.back()) && !rest_.empty() &&
                                 detail::is_letter(rest_.front());
            put(std::string(symbol->second) + (is_open ? " " : ""),
                is_letter_symbol(symbol->first) || symbol->first == "…" || symbol->first == "∞" ? End::atom
                                                                                                : End::sign);
            return;
        }
        std::size_t size = 1;
        while (size < rest_.size() && (static_cast<unsigned char>(rest_[size]) & 0xC0U) == 0x80U) ++size;
        const std::string character(rest_.substr(0, size));
        rest_.remove_prefix(size);
        if (is_beyond_ascii(character[0]))
            put("\\text{" + character + "}", End::word);
        else
            put(character, is_word(character[0]) || character == ")" || character == "]" || character == "("
                               ? End::atom
                               : End::sign);
    }

    /// `∂J/∂a₂` as a fraction; empty, and nothing taken, if something else comes.
    std::string take_fraction() {
        constexpr std::string_view partial = "∂";
        const std::string_view before = rest_;
        if (!rest_.starts_with(partial)) return {};
        const std::string above = take_differential();
        if (!above.empty() && rest_.starts_with("/∂")) {
            rest_.remove_prefix(1);
            if (const std::string below = take_differential(); !below.empty())
                return "\\frac{\\partial " + above + "}{\\partial " + below + "}";
        }
        rest_ = before;
        return {};
    }

    /// `[1 2; 3 4]`; empty, and nothing taken, if something else comes. Shapes have commas.
    std::string take_matrix() {
        const std::size_t end = rest_.find(']');
        if (rest_.front() != '[' || end == std::string_view::npos) return {};
        const std::string_view inside = rest_.substr(1, end - 1);
        if (inside.find_first_of(",[") != std::string_view::npos) return {};
        std::string rows;
        for (std::string_view rest = inside; !rest.empty(); rest.remove_prefix(1)) {
            if (rest.starts_with("; ")) {
                rows += " \\\\ ";
                rest.remove_prefix(1);
            } else {
                rows += rest.front() == ' ' ? std::string(" & ") : std::string(1, rest.front());
            }
        }
        rest_.remove_prefix(end + 1);
        return "\\begin{pmatrix} " + typeset_numbers(rows) + " \\end{pmatrix}";
    }
    /// The powers of ten in a matrix that is otherwise typeset.
    static std::string typeset_numbers(std::string_view rows) {
        std::string result;
        while (!rows.empty()) {
            const std::size_t end = std::min(rows.find(' '), rows.size());
            const std::string_view word = rows.substr(0, end);
            const bool is_number = word.find("·") != std::string_view::npos;
            result += is_number ? Typesetter(word).all() : std::string(word);
            if (end < rows.size()) result += ' ';
            rows.remove_prefix(std::min(end + 1, rows.size()));
        }
        return result;
    }

    /// Takes what stands behind ∂: a word with its subscripts.
    std::string take_differential() {
        rest_.remove_prefix(std::string_view("∂").size());
        if (rest_.empty() || !detail::is_letter(rest_.front())) {
            const Pairs* symbol = front_of(rest_, symbols);
            if (symbol == nullptr || !is_letter_symbol(symbol->first)) return {};
            rest_.remove_prefix(symbol->first.size());
            return std::string(symbol->second) + take_primes() + take_subscripts();
        }
        // A name with its power, primes and subscripts, which TeX gets one after another.
        const std::string_view before = rest_;
        take_word();
        if (rest_.starts_with("^")) {
            rest_.remove_prefix(1);
            take_group();
        }
        take_primes();
        take_subscripts();
        return Typesetter(before.substr(0, before.size() - rest_.size())).all();
    }

    std::string take_primes() {
        constexpr std::string_view prime = "′";
        std::string primes;
        for (; rest_.starts_with(prime); rest_.remove_prefix(prime.size())) primes += "'";
        return primes;
    }

    std::string take_subscripts() {
        std::string_view scripts = rest_;
        while (const Pairs* pair = front_of(rest_, subscripts)) rest_.remove_prefix(pair->first.size());
        scripts.remove_suffix(rest_.size());
        return scripts.empty() ? std::string() : Typesetter(scripts).all();
    }

    /// Takes what a root or a power goes over: what is in parentheses, or one word with its scripts.
    std::string take_group() {
        if (const std::optional<std::string> inside = take_parentheses()) return *inside;
        const std::string_view word = take_word();
        return Typesetter(word).all() + take_subscripts();
    }

    /// Takes what is in parentheses, up to the one that closes them; nothing, and nothing taken, without
    /// them.
    std::optional<std::string> take_parentheses() {
        if (!rest_.starts_with("(")) return {};
        int depth = 0;
        for (std::size_t end = 0; end < rest_.size(); ++end) {
            depth += rest_[end] == '(' ? 1 : 0;
            depth -= rest_[end] == ')' ? 1 : 0;
            if (depth != 0) continue;
            const std::string_view inside = rest_.substr(1, end - 1);
            rest_.remove_prefix(end + 1);
            return Typesetter(inside).all();
        }
        return {};
    }

    std::string_view take_word() {
        std::size_t size = 0;
        while (size < rest_.size() && is_word(rest_[size])) ++size;
        return std::exchange(rest_, rest_.substr(size)).substr(0, size);
    }

    static std::string escaped(std::string_view word) {
        std::string result;
        for (char letter : word) result += letter == '_' ? std::string("\\_") : std::string(1, letter);
        return result;
    }

    /// Appends with the space that mathematical mode would leave out.
    void put(const std::string& piece, End end) {
        if (spaced_ && end_ == End::word && end == End::word) {  // one text of several words
            result_.pop_back();
            result_ += " " + piece.substr(std::string_view("\\text{").size());
            spaced_ = false;
            return;
        }
        const bool starts_atom = end != End::sign || piece.starts_with("\\sum") || is_function(piece);
        if (spaced_ && end_ != End::nothing) {
            if (end_ == End::sign || !starts_atom)
                result_ += " ";
            else
                result_ += end_ == End::word || end == End::word ? "\\ " : " \\, ";
        }
        // A prime belongs to what it stands behind.
        if (piece != "'") {
            last_ = result_.size();
            has_power_ = has_index_ = false;
        }
        result_ += piece;
        end_ = end;
        spaced_ = false;
    }
    static bool is_function(std::string_view piece) {
        return piece.starts_with("\\operatorname") ||
               (piece.starts_with("\\") && std::find(std::begin(functions), std::end(functions),
                                                     piece.substr(1)) != std::end(functions));
    }

    std::string_view rest_;
    std::string result_;
    End end_ = End::nothing;
    bool spaced_ = false;
    std::size_t last_ = 0;  ///< where in the result begins what scripts are added to
    bool has_power_ = false;
    bool has_index_ = false;
};

}  // namespace

std::string latex(std::string_view text) { return Typesetter(text).all(); }

}  // namespace tapeloop
