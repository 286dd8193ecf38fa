#include <tests/autograd/ops/op_table.hpp>

#include <autograd/custom.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <autograd/record/defined_operations.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/formula.hpp>
#include <autograd/study/derivation/latex.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// An operation with what it was called with and how many inputs it had.
struct Recorded {
    std::string name;
    std::size_t inputs;
    const Description* description;  // which lives as long as the program
    auto operator<=>(const Recorded&) const = default;
};

void note(std::set<Recorded>& recorded, const Tape<double>& tape) {
    for (NodeIndex node = 0; node < tape.size(); ++node) {
        const tapeloop::detail::Operation<double>& operation = *tape.node(node).operation;
        recorded.insert({std::string(operation.name()), tape.inputs(node).size(), &operation.description()});
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
    std::vector<GradientGraphRoot<double>> roots;
    for (const Var<double>& result : row.call(inputs))
        roots.push_back({result, input(random.tensor(result.shape()))});
    if (!roots.empty()) gradient_graph(roots, std::vector<Wrt<double>>(inputs.begin(), inputs.end()));
    note(recorded, tape);
}

/// Records what the rows of the op table record, their recorded gradients included.
std::vector<Recorded> recorded_operations() {
    std::set<Recorded> recorded;
    for (const Row& row : all_rows())
        for (const std::vector<Shape>& shapes : row.samples)
            for (const bool fuse : {true, false})
                if (row.name != "custom")  // whose operations have names that the user gives
                    note_sample(recorded, row, shapes, fuse);
    return {recorded.begin(), recorded.end()};
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
    CHECK(tapeloop::detail::defined_operations().size() > 75);
    for (const tapeloop::detail::DefinedOperation& one : tapeloop::detail::defined_operations()) {
        const std::string_view type = one.definition->name();
        if (one.description == nullptr || !type.starts_with("N8tapeloop") ||
            type.starts_with("N8tapeloop4test") || type.starts_with("N8tapeloop4fuzz"))
            continue;  // said by call, which the op table has, or a test's
        CAPTURE(one.name);
        CHECK(one.description->equation.find("y") != std::string_view::npos);
    }
}

TEST_CASE("formula: every operation that the op table records has one, with a rule for each argument") {
    const std::vector<Recorded> recorded = recorded_operations();
    CHECK(recorded.size() > 70);
    for (const Recorded& one : recorded) {
        CAPTURE(one.name);
        const Description& formula = *one.description;
        REQUIRE(!formula.equation.empty());
        const std::size_t rules = formula.rule_count();
        if (rules == 0) continue;
        for (std::size_t k = 0; k < one.inputs; ++k) CHECK(formula.rule(k) != nullptr);
        if (rules > one.inputs) CHECK(rules == one.inputs);
    }
}

TEST_CASE("formula: what a product was called with decides") {
    Tape<double> tape;
    const auto said = [](const Var<double>& y) -> const Description& {
        return y.tape().node(y.index()).operation->description();
    };
    const Var<double> a = input(filled({2, 2}, 1));
    CHECK(said(matmul(a, a)).equation == "y = a b");
    CHECK(said(matmul(a, a, {true, false})).rules[0].cotangent == "b gᵀ");
    CHECK(said(matmul(a, a, {false, true})).rules[1].cotangent == "gᵀ a");
    CHECK(said(matmul(a, a, {true, true})).equation == "y = aᵀ bᵀ");
    CHECK(said(transpose(a)).equation == "y = xᵀ");
    CHECK(said(transpose(a, {1, 0})).equation == "y = x, axes permuted");
    CHECK(said(sum(a, 1)).equation == "y = Σ x");
    CHECK(said(concatenate(Operands<double>{a, a}, 0)).rule(17)->argument == "xᵢ");
    CHECK(said(tanh(a)).rule(1) == nullptr);
}

TEST_CASE("formula: a custom operation says nothing, or what the user says") {
    Tape<double> tape;
    const auto cube = custom(
        "cube", [](const auto& x) { return x * x * x; },
        [](const auto& g, const auto&, const auto& x) { return 3 * g * x * x; });
    const Var<double> x = input(filled({2}, 1));
    const auto said = [](const Var<double>& y) -> const Description& {
        return y.tape().node(y.index()).operation->description();
    };
    CHECK(said(cube(x)).equation.empty());
    const Description* kept = nullptr;
    {
        const std::string power = "x³";
        const auto told = cube.described({.equation = "y = " + power, .rules = {{"x", "3 g ⊙ x²"}}});
        kept = &said(told(x));
        CHECK(kept == &said(told(x)));
    }
    CHECK(kept->equation == "y = x³");
    CHECK(derivation(sum(cube.described(*kept)(x)), {x}).text().find("³") != std::string::npos);
    CHECK_THROWS_AS(cube.described({.equation = "y = x", .rules = {{"x", "g"}, {"z", "g"}}}),
                    std::invalid_argument);
}

TEST_CASE("formula: letters are renamed, words are not") {
    CHECK(tapeloop::detail::renamed("y = exp(x)", {{"x", "a₁"}, {"y", "h₁"}, {"e", "no"}}) == "h₁ = exp(a₁)");
    CHECK(tapeloop::detail::renamed("g ⊙ (1 - y²)", {{"g", "∂J/∂h₁"}, {"y", "h₁"}}) == "∂J/∂h₁ ⊙ (1 - h₁²)");
    CHECK(tapeloop::detail::renamed("g / b", {{"g", "∂J/∂y"}, {"b", "a b"}}) == "(∂J/∂y) / a b");
    CHECK(tapeloop::detail::renamed("gᵀ a", {{"g", "∂J/∂y"}, {"a", "x"}}) == "(∂J/∂y)ᵀ x");
    CHECK(tapeloop::detail::renamed("y = (x₁, x₂, …)", {{"x₁", "p"}, {"x₂", "q"}, {"x", "no"}}) ==
          "y = (p, q, …)");
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
    std::vector<std::pair<std::string, const Description*>> all;
    for (const Recorded& one : recorded_operations()) all.emplace_back(one.name, one.description);
    for (const tapeloop::detail::DefinedOperation& one : tapeloop::detail::defined_operations())
        if (one.description != nullptr) all.emplace_back(one.name, one.description);
    for (const auto& [name, formula] : all) {
        CAPTURE(name);
        std::vector<std::string> texts{latex(formula->equation)};
        for (std::size_t k = 0; k < formula->rule_count(); ++k) {
            texts.push_back(latex(formula->rules[k].argument));
            texts.push_back(latex(formula->rules[k].cotangent));
        }
        for (const std::string& text : texts) {
            CAPTURE(text);
            CHECK(is_balanced(text));
            CHECK(is_ascii(text));
        }
    }
}
