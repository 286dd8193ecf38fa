#include <tests/autograd/ops/op_table.hpp>

#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/latex.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// An operation with what it was called with and how many inputs it had.
struct Recorded {
    std::string name;
    std::string called_with;
    std::size_t inputs;
    auto operator<=>(const Recorded&) const = default;
};

void note(std::set<Recorded>& recorded, const Tape<double>& tape) {
    for (Index node = 0; node < tape.size(); ++node) {
        const Operation<double>& operation = *tape.node(node).operation;
        recorded.insert({std::string(operation.name()), operation.arguments(), tape.inputs(node).size()});
    }
}

/// Records one sample of a row and its gradient.
void note_sample(std::set<Recorded>& recorded, const Row& row, const std::vector<Shape>& shapes, bool fuse) {
    Tape<double> tape({.fuse = fuse});
    Vars<double> inputs;
    Random random(row.name);
    for (std::size_t k = 0; k < shapes.size(); ++k) {
        const Domain domain = row.domains[k].is_flag ? Domain{1, 1} : row.domains[k];
        inputs.push_back(input(random.tensor(shapes[k], domain.low, domain.high)));
    }
    std::vector<GraphRoot<double>> roots;
    for (const Var<double>& result : row.call(inputs))
        roots.push_back({result, input(random.tensor(result.shape()))});
    if (!roots.empty()) gradient_graph(roots, std::vector<Wrt<double>>(inputs.begin(), inputs.end()));
    note(recorded, tape);
}

/// What the rows of the op table record, their recorded gradients included.
std::set<Recorded> recorded_operations() {
    std::set<Recorded> recorded;
    for (const Row& row : all_rows())
        for (const std::vector<Shape>& shapes : row.samples)
            for (const bool fuse : {true, false})
                if (row.name != "custom")  // whose operations have names that the user gives
                    note_sample(recorded, row, shapes, fuse);
    return recorded;
}

/// The names that definitions of operations have in the sources.
std::set<std::string> names_in_sources() {
    std::set<std::string> names;
    const std::regex definition(
        "static constexpr std::string_view name = \"(\\w+)\"|"
        "std::string_view name\\(\\) const override \\{ return \"(\\w+)\"");
    for (const char* folder : {"autograd", "nn"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(
                 std::filesystem::path(TAPELOOP_SOURCE_DIR) / folder)) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path());
            for (std::string line; std::getline(file, line);)
                if (std::smatch found;
                    std::regex_search(line, found, definition) && line.find("///") == std::string::npos)
                    names.insert(found[1].matched ? found[1] : found[2]);
        }
    return names;
}

bool is_balanced(const std::string& text) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size() && depth >= 0; ++i) {
        if (text[i] == '\\')
            ++i;
        else
            depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    }
    return depth == 0;
}

bool is_ascii(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

TEST_CASE("formula: every operation that is defined anywhere has one") {
    const std::set<std::string> names = names_in_sources();
    CHECK(names.size() > 65);
    for (const std::string& name : names) CHECK_MESSAGE(formula_of(name) != nullptr, name);
    for (const Formula& formula : all_formulas())
        if (formula.operation != "sigmoid_cross_entropy")  // named by a constant
            CHECK_MESSAGE(names.contains(std::string(formula.operation)), formula.operation);
}

TEST_CASE("formula: every operation that the op table records has one, with a rule for each argument") {
    const std::set<Recorded> recorded = recorded_operations();
    CHECK(recorded.size() > 70);
    for (const Recorded& one : recorded) {
        CAPTURE(one.name);
        const Formula* formula = formula_of(one.name, one.called_with);
        REQUIRE(formula != nullptr);
        if (formula->rules.empty()) continue;
        for (std::size_t k = 0; k < one.inputs; ++k) CHECK(formula->rule(k) != nullptr);
        if (formula->rules.size() > one.inputs) CHECK(formula->rules.size() == one.inputs);
    }
}

TEST_CASE("formula: what a product was called with decides") {
    CHECK(formula_of("matmul")->equation == "y = a b");
    CHECK(formula_of("matmul", "a transposed")->rules[0].cotangent == "b gᵀ");
    CHECK(formula_of("matmul", "b transposed")->rules[1].cotangent == "gᵀ a");
    CHECK(formula_of("matmul", "both transposed")->equation == "y = aᵀ bᵀ");
    CHECK(formula_of("transpose", "axes 1, 0, 2")->equation == "y = x, axes permuted");
    CHECK(formula_of("sum", "axis 1")->equation == "y = Σ x");
    CHECK(formula_of("an operation of the user's") == nullptr);
    CHECK(formula_of("concatenate")->rule(17)->argument == "xᵢ");
    CHECK(formula_of("tanh")->rule(1) == nullptr);
}

TEST_CASE("formula: letters are renamed, words are not") {
    CHECK(renamed("y = exp(x)", {{"x", "a₁"}, {"y", "h₁"}, {"e", "no"}}) == "h₁ = exp(a₁)");
    CHECK(renamed("g ⊙ (1 - y²)", {{"g", "∂J/∂h₁"}, {"y", "h₁"}}) == "∂J/∂h₁ ⊙ (1 - h₁²)");
    CHECK(renamed("g / b", {{"g", "∂J/∂y"}, {"b", "a b"}}) == "(∂J/∂y) / a b");
    CHECK(renamed("gᵀ a", {{"g", "∂J/∂y"}, {"a", "x"}}) == "(∂J/∂y)ᵀ x");
    CHECK(renamed("y = (x₁, x₂, …)", {{"x₁", "p"}, {"x₂", "q"}, {"x", "no"}}) == "y = (p, q, …)");
}

TEST_CASE("latex: formulas are typeset") {
    CHECK(latex("g ⊙ (1 - y²)") == "g \\odot (1 - y^{2})");
    CHECK(latex("y = x W + b") == "y = x \\, W + b");
    CHECK(latex("h₁ᵀ ∂J/∂a₂") == "h_{1}^{\\top} \\, \\frac{\\partial J}{\\partial a_{2}}");
    CHECK(latex("y = √(Σ x²)") == "y = \\sqrt{\\sum x^{2}}");
    CHECK(latex("g ⊙ p ⊙ x^(p - 1), 0 where p = 0") ==
          "g \\odot p \\odot x^{p - 1}, 0\\ \\text{where}\\ p = 0");
    CHECK(latex("g, axes permuted back") == "g, \\text{axes permuted back}");
    CHECK(latex("α x") == "\\alpha \\, x");
    CHECK(latex("y ⊙ (g - Σ g ⊙ y)") == "y \\odot (g - \\sum g \\odot y)");
    CHECK(latex("hₜ₋₁") == "h_{t-1}");
    CHECK(latex("∂J/∂a_1") == "\\frac{\\partial J}{\\partial a_{1}}");
    CHECK(latex("hidden_state = 50%{") == "\\text{hidden\\_state} = 50\\%\\{");
    CHECK(latex("-0.25·10⁻³") == "-0.25\\cdot10^{-3}");
}

TEST_CASE("latex: every formula keeps its braces, and leaves no character that LaTeX does not know") {
    for (const Formula& formula : all_formulas()) {
        CAPTURE(formula.operation);
        std::vector<std::string> texts{latex(formula.equation)};
        for (const Rule& rule : formula.rules) {
            texts.push_back(latex(rule.argument));
            texts.push_back(latex(rule.cotangent));
        }
        for (const std::string& text : texts) {
            CAPTURE(text);
            CHECK(is_balanced(text));
            CHECK(is_ascii(text));
        }
    }
}
