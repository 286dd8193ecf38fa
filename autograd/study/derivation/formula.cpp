#include <autograd/study/derivation/formula.hpp>

#include <algorithm>

namespace tapeloop {
namespace {

// clang-format off
const std::vector<Formula>& table() {
    static const std::vector<Formula> formulas{
        // What is given, and what only passes on.
        {"parameter",    "y = θ", {}},
        {"constant",     "y = x, given", {}},
        {"detach",       "y = x, its history forgotten", {}},
        {"identity",     "y = x", {{"x", "g"}}},
        {"result",       "y = one result of x", {{"x", "g, handed on with those of the other results"}}},
        {"map",          "y = f(x₁, x₂, …)", {{"xᵢ", "g ⊙ ∂y/∂xᵢ, summed over the results"}}},

        // Elementwise.
        {"add",          "y = a + b", {{"a", "g"}, {"b", "g"}}},
        {"subtract",     "y = a - b", {{"a", "g"}, {"b", "-g"}}},
        {"multiply",     "y = a ⊙ b", {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}}},
        {"divide",       "y = a / b", {{"a", "g / b"}, {"b", "-g ⊙ y / b"}}},
        {"scale",        "y = a ⊙ b, 0 where a = 0", {{"a", "g ⊙ b"}, {"b", "g ⊙ a"}}},
        {"pow",          "y = x^p", {{"x", "g ⊙ p ⊙ x^(p - 1), 0 where p = 0"}, {"p", "g ⊙ y ⊙ log(x), 0 where y = 0"}}},
        {"maximum",      "y = max(a, b)", {{"a", "g where a > b, g/2 where a = b, 0 elsewhere"},
                                           {"b", "g where b > a, g/2 where a = b, 0 elsewhere"}}},
        {"minimum",      "y = min(a, b)", {{"a", "g where a < b, g/2 where a = b, 0 elsewhere"},
                                           {"b", "g where b < a, g/2 where a = b, 0 elsewhere"}}},
        {"less",         "y = 1 where a < b, 0 elsewhere", {{"a", "0"}, {"b", "0"}}},
        {"less_equal",   "y = 1 where a ≤ b, 0 elsewhere", {{"a", "0"}, {"b", "0"}}},
        {"equal",        "y = 1 where a = b, 0 elsewhere", {{"a", "0"}, {"b", "0"}}},
        {"where",        "y = a where c ≠ 0, b elsewhere", {{"c", "0"}, {"a", "g where c ≠ 0, 0 elsewhere"},
                                                                        {"b", "g where c = 0, 0 elsewhere"}}},
        {"negate",       "y = -x", {{"x", "-g"}}},
        {"exp",          "y = exp(x)", {{"x", "g ⊙ y"}}},
        {"log",          "y = log(x)", {{"x", "g / x"}}},
        {"expm1",        "y = exp(x) - 1", {{"x", "g ⊙ (y + 1)"}}},
        {"log1p",        "y = log(1 + x)", {{"x", "g / (1 + x)"}}},
        {"sqrt",         "y = √x", {{"x", "g / (2 y)"}}},
        {"square",       "y = x²", {{"x", "2 g ⊙ x"}}},
        {"abs",          "y = |x|", {{"x", "g ⊙ sign(x)"}}},
        {"sin",          "y = sin(x)", {{"x", "g ⊙ cos(x)"}}},
        {"cos",          "y = cos(x)", {{"x", "-g ⊙ sin(x)"}}},
        {"tanh",         "y = tanh(x)", {{"x", "g ⊙ (1 - y²)"}}},
        {"sigmoid",      "y = σ(x)", {{"x", "g ⊙ y ⊙ (1 - y)"}}},
        {"softplus",     "y = log(1 + exp(x))", {{"x", "g ⊙ σ(x)"}}},
        {"relu",         "y = max(x, 0)", {{"x", "g where x > 0, 0 elsewhere"}}},
        {"leaky_relu",   "y = x where x > 0, α x elsewhere", {{"x", "g where x > 0, α g elsewhere"}}},
        {"elu",          "y = x where x > 0, α (exp(x) - 1) elsewhere", {{"x", "g where x > 0, g ⊙ (y + α) elsewhere"}}},
        {"clip",         "y = min(max(x, l), u)", {{"x", "g where l ≤ x ≤ u, 0 elsewhere"}}},

        // Products.
        {"matmul",       "y = a b",   {{"a", "g bᵀ"},  {"b", "aᵀ g"}}},
        {"matmul",       "y = aᵀ b",  {{"a", "b gᵀ"},  {"b", "a g"}},   "a transposed"},
        {"matmul",       "y = a bᵀ",  {{"a", "g b"},   {"b", "gᵀ a"}},  "b transposed"},
        {"matmul",       "y = aᵀ bᵀ", {{"a", "bᵀ gᵀ"}, {"b", "gᵀ aᵀ"}}, "both transposed"},
        {"affine",       "y = x W + b", {{"x", "g Wᵀ"}, {"W", "xᵀ g"}, {"b", "g"}}},
        {"dot",          "y = a · b", {{"a", "g b"}, {"b", "g a"}}},
        {"outer",        "y = a bᵀ", {{"a", "g b"}, {"b", "gᵀ a"}}},

        // Reductions: Σ, max and n, the number of elements, are of each group that makes one element of y.
        {"sum",          "y = Σ x", {{"x", "g, repeated"}}},
        {"mean",         "y = (Σ x) / n", {{"x", "g / n, repeated"}}},
        {"max",          "y = max(x)", {{"x", "g / k at the k elements where x = y, 0 elsewhere"}}},
        {"min",          "y = min(x)", {{"x", "g / k at the k elements where x = y, 0 elsewhere"}}},
        {"variance",     "y = (Σ (x - μ)²) / n, μ = mean(x)", {{"x", "2 g ⊙ (x - μ) / n"}}},
        {"norm",         "y = √(Σ x²)", {{"x", "g ⊙ x / y, 0 where y = 0"}}},
        {"logsumexp",    "y = log(Σ exp(x))", {{"x", "g ⊙ exp(x - y)"}}},
        {"softmax",      "y = exp(x) / Σ exp(x)", {{"x", "y ⊙ (g - Σ g ⊙ y)"}}},
        {"log_softmax",  "y = x - log(Σ exp(x))", {{"x", "g - exp(y) ⊙ Σ g"}}},
        {"sum_to",       "y = Σ x over the broadcast axes", {{"x", "g, repeated"}}},

        // Along an axis.
        {"cumsum",       "y = Σ x up to each element", {{"x", "Σ g from each element on"}}},
        {"cumprod",      "y = product of x up to each element",
                         {{"x", "Σ g ⊙ y without that factor, from each element on"}}},
        {"recurrence",   "y = b + a ⊙ (y one place before)",
                         {{"a", "r ⊙ (y one place before), r = g + (a ⊙ r one place behind)"},
                          {"b", "r = g + (a ⊙ r one place behind)"}}},
        {"shift",        "y = x, one place on", {{"x", "g, one place back"}}},
        {"roll",         "y = x, rolled", {{"x", "g, rolled back"}}},
        {"sort",         "y = x, sorted", {{"x", "g, put back"}}},
        {"top_k",        "y = the greatest elements of x", {{"x", "0, and to those elements g is added"}}},
        {"pick",         "y = elements i of x", {{"x", "0, and to its elements i those of g are added"}}},
        {"put_back",     "y = 0, and to its elements i those of x are added", {{"x", "elements i of g"}}},
        {"patches",      "y = x under the window, place by place", {{"x", "g, added where it came from"}}},
        {"from_patches", "y = x, added where it came from", {{"x", "g under the window, place by place"}}},

        // Places.
        {"gather_rows",  "y = rows i of x", {{"x", "0, and to its rows i the rows of g are added"}}},
        {"scatter_rows", "y = 0, and to its rows i the rows of x are added", {{"x", "rows i of g"}}},
        {"scatter_add",  "y = a, and to its rows i the rows of b are added", {{"a", "g"}, {"b", "rows i of g"}}},
        {"take_along",   "y = elements i of x", {{"x", "0, and to its elements i those of g are added"}}},
        {"add_along",    "y = 0, and to its elements i those of x are added", {{"x", "elements i of g"}}},
        {"concatenate",  "y = (x₁, x₂, …), joined", {{"xᵢ", "that part of g"}}},
        {"stack",        "y = (x₁, x₂, …), stacked", {{"xᵢ", "that part of g"}}},
        {"unstack",      "(y₁, y₂, …) = x, its parts", {{"x", "(g₁, g₂, …), stacked"}}},
        {"reshape",      "y = x in another shape", {{"x", "g in the shape of x"}}},
        {"expand_dims",  "y = x in another shape", {{"x", "g in the shape of x"}}},
        {"squeeze",      "y = x in another shape", {{"x", "g in the shape of x"}}},
        {"transpose",    "y = xᵀ", {{"x", "gᵀ"}}},
        {"transpose",    "y = x, axes permuted", {{"x", "g, axes permuted back"}}, "axes"},
        {"flip",         "y = x, reversed", {{"x", "g, reversed"}}},
        {"broadcast_to", "y = x, repeated", {{"x", "g"}}},
        {"slice",        "y = part of x", {{"x", "g in that part, 0 elsewhere"}}},
        {"place",        "y = x in its part, 0 elsewhere", {{"x", "that part of g"}}},
        {"pad",          "y = x, with 0 around it", {{"x", "g without what is around it"}}},

        // Of networks. eₖ is 1 at the class k and 0 elsewhere.
        {"softmax_cross_entropy", "y = -log(softmax(x)ₖ), k the class", {{"x", "g ⊙ (softmax(x) - eₖ)"}}},
        {"softmax_rows",          "y = softmax(x) - eₖ", {{"x", "p ⊙ (g - Σ p ⊙ g), p = softmax(x)"}}},
        {"sigmoid_cross_entropy", "y = -w t log(σ(x)) - (1 - t) log(1 - σ(x)), w = 1 if not given",
                                  {{"x", "g ⊙ ((1 - t) σ(x) - w t σ(-x))"},
                                   {"t", "g ⊙ (w log(1 + exp(-x)) - log(1 + exp(x)))"},
                                   {"w", "0"}}},
        {"mean_squared_error",    "y = (x - t)²", {{"x", "2 g ⊙ (x - t)"}, {"t", "-2 g ⊙ (x - t)"}}},
        {"mean_absolute_error",   "y = |x - t|", {{"x", "g ⊙ sign(x - t)"}, {"t", "-g ⊙ sign(x - t)"}}},
        {"huber",                 "y = (x - t)²/2 where |x - t| ≤ δ, δ (|x - t| - δ/2) elsewhere",
                                  {{"x", "g ⊙ min(max(x - t, -δ), δ)"}, {"t", "-g ⊙ min(max(x - t, -δ), δ)"}}},
        {"ctc_loss",              "y = -log(Σ p), p the probability of an alignment",
                                  {{"x", "g ⊙ (softmax(x) - q), q the share of the alignments"}}},
        {"standardise",           "y = (x - μ) / s, μ = mean(x), s = √(var(x) + ε)",
                                  {{"x", "(g - mean(g) - y ⊙ mean(g ⊙ y)) / s"}}},
        {"masked_softmax",        "y = softmax(x) of the elements where c ≠ 0, 0 elsewhere",
                                  {{"x", "y ⊙ (g - Σ g ⊙ y)"}, {"c", "0"}}},
    };
    return formulas;
}
// clang-format on

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The bytes of the character at the front, in UTF-8.
std::size_t width_of(char front) {
    const auto byte = static_cast<unsigned char>(front);
    if (byte < 0xC0) return 1;
    return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// The longest piece at the front that may be a name: a word with its subscripts, or any one character.
std::string_view front_piece(std::string_view text) {
    constexpr std::string_view subscripts = "ᵢₖ₁₂";
    std::size_t size = width_of(text.front());
    while (size < text.size() && is_letter(text.front()) && is_letter(text[size])) ++size;
    while (size < text.size() && width_of(text[size]) == 3 &&
           subscripts.find(text.substr(size, 3)) != std::string_view::npos)
        size += 3;
    return text.substr(0, size);
}

/// Whether what stands behind binds to the name in front of it more tightly than that holds together.
bool binds(std::string_view behind) {
    return behind == " /" || behind == "/" || behind == "^" || behind == "²" || behind == "ᵀ";
}

std::string in_parentheses_if_needed(const std::string& name, std::string_view behind) {
    const bool is_expression = name.find_first_of(" /") != std::string::npos;
    return is_expression && binds(behind) ? "(" + name + ")" : name;
}

}  // namespace

const Rule* Formula::rule(std::size_t k) const {
    if (rules.empty()) return nullptr;
    if (k < rules.size()) return &rules[k];
    return takes_any_number() ? &rules.back() : nullptr;
}

bool Formula::takes_any_number() const {
    return !rules.empty() && rules.back().argument.find("ᵢ") != std::string_view::npos;
}

const Formula* formula_of(std::string_view operation, std::string_view called_with) {
    const Formula* best = nullptr;
    for (const Formula& formula : table())
        if (formula.operation == operation && called_with.starts_with(formula.called_with))
            if (best == nullptr || formula.called_with.size() > best->called_with.size()) best = &formula;
    return best;
}

std::span<const Formula> all_formulas() { return table(); }

std::vector<std::string_view> pieces_of(std::string_view formula) {
    std::vector<std::string_view> pieces;
    while (!formula.empty()) {
        pieces.push_back(front_piece(formula));
        formula.remove_prefix(pieces.back().size());
    }
    return pieces;
}

std::string renamed(std::string_view formula, const std::map<std::string, std::string, std::less<>>& names) {
    const std::vector<std::string_view> pieces = pieces_of(formula);
    std::string result;
    for (std::size_t k = 0; k < pieces.size(); ++k) {
        const auto found = names.find(pieces[k]);
        std::string behind(k + 1 < pieces.size() ? pieces[k + 1] : "");
        if (behind == " " && k + 2 < pieces.size()) behind += pieces[k + 2];
        result +=
            found == names.end() ? std::string(pieces[k]) : in_parentheses_if_needed(found->second, behind);
    }
    return result;
}

}  // namespace tapeloop
