#include <tests/expect.hpp>

#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <autograd/study/derivation/derivation.hpp>
#include <autograd/study/derivation/latex.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/nn.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>
#include <sstream>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 3, B = 2, I = 2, H = 3, O = 2;

/// Works out an equation's numbers, as a reader would: + - · / ² and functions of one argument.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    double sum() {
        double total = product();
        for (;;) {
            if (take(" + "))
                total += product();
            else if (take(" - "))
                total -= product();
            else
                return total;
        }
    }
    bool is_at_end() const { return rest_.empty(); }

  private:
    bool take(std::string_view piece) {
        if (!rest_.starts_with(piece)) return false;
        rest_.remove_prefix(piece.size());
        return true;
    }
    double product() {
        double total = factor();
        for (;;) {
            if (take(" · ") || take(" ⊙ "))
                total *= factor();
            else if (take(" / ") || take("/"))
                total /= factor();
            else
                return total;
        }
    }
    double factor() {
        if (take("-")) return -factor();
        const double base = operand();
        return take("²") ? base * base : base;
    }
    double larger() {
        const double a = sum();
        CHECK(take(", "));
        const double b = sum();
        CHECK(take(")"));
        return std::max(a, b);
    }
    double operand() {
        if (take("|")) {
            const double inside = sum();
            CHECK(take("|"));
            return std::abs(inside);
        }
        if (take("tanh")) return std::tanh(operand());
        if (take("exp")) return std::exp(operand());
        if (take("log")) return std::log(operand());
        if (take("sin")) return std::sin(operand());
        if (take("cos")) return std::cos(operand());
        if (take("sign")) return std::copysign(1, operand());
        if (take("√")) return std::sqrt(operand());
        if (take("max(")) return larger();
        if (take("sum")) return operand();  // of one element
        if (take("σ")) return 1 / (1 + std::exp(-operand()));
        if (take("(")) {
            const double inside = sum();
            CHECK(take(")"));
            return inside;
        }
        std::size_t size = 0;
        const double number = std::stod(std::string(rest_), &size);
        rest_.remove_prefix(size);
        return number;
    }

    std::string_view rest_;
};

struct ElmanNet {
    Random random{17};
    nn::ElmanCell<double> cell{random.tensor({I, H}), random.tensor({H, H}), random.tensor({H})};
    nn::Linear<double> output{random.tensor({H, O}), random.tensor({O})};
    Tensor<double> x = random.tensor({T, B, I});
    Tensor<double> h0 = random.tensor({B, H});
    nn::Targets targets = {{0, 1}, {1, 1}, {0, 0}};

    Var<double> loss() const {
        const auto unrolled = nn::unroll(cell, x, input(h0), {.hoist = false});
        return nn::softmax_cross_entropy(output(unrolled.outputs), targets);
    }
};

const DerivationStep& step_of(const std::vector<DerivationStep>& steps, const std::string& left) {
    for (const DerivationStep& step : steps)
        if (step.left == left) return step;
    FAIL("there is no " << left);
    return steps.front();
}

/// A net of scalars with most kinds of expressions.
Var<double> scalars(const Var<double>& x, const Var<double>& w) {
    const Var<double> h = tanh(x * w - 0.3);
    const Var<double> s = sigmoid(h / w) * exp(-h);
    return square(s - h) + log(1.5 + s * s);
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(std::count_if(
        line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

TEST_CASE("derivation: an Elman network ends in the closed form's terms, in symbols and in numbers") {
    const ElmanNet net;
    const Tape<double> tape({.fuse = false});
    const Derivation key = derivation(net.loss(), {net.cell.U, net.cell.W, net.cell.b});
    const auto bptt =
        nn::closed_form::elman_bptt<double>({net.cell.U.value(), net.cell.W.value(), net.cell.b.value(),
                                             net.output.V.value(), net.output.c.value()},
                                            net.x, net.targets, net.h0);

    REQUIRE(key.gradients.size() == 3);
    CHECK(key.gradients[1].left == "∂J/∂W");
    CHECK(contains(key.text(), "∂J/∂W = Σₜ hₜ₋₁ᵀ ∂J/∂aₜ\n"));
    CHECK(contains(key.text(), "= h₀ᵀ ∂J/∂a₁ + h₁ᵀ ∂J/∂a₂ + h₂ᵀ ∂J/∂a₃\n"));
    CHECK(contains(key.text(), "∂J/∂U = Σₜ xₜᵀ ∂J/∂uₜ\n"));
    CHECK(contains(key.text(), "∂J/∂b = Σₜ sum(∂J/∂uₜ)\n"));
    CHECK(contains(key.latex(), "h_{t-1}^{\\top} \\, \\frac{\\partial J}{\\partial a_{t}}"));
    for (std::size_t t = 0; t < T; ++t) {
        CHECK(key.gradients[1].terms[t].time_step == t);
        check_close(key.gradients[0].terms[t].value, bptt.terms[t].U);
        check_close(key.gradients[1].terms[t].value, bptt.terms[t].W);
        check_close(key.gradients[2].terms[t].value, bptt.terms[t].b);
        const std::string number = std::vector<std::string>{"₁", "₂", "₃"}[t];
        check_close(step_of(key.backward, "∂J/∂a" + number).value, bptt.preactivations[t]);
        check_close(step_of(key.backward, "∂J/∂h" + number).value, bptt.states[t]);
        check_close(step_of(key.forward, "h" + number).value, bptt.h[t + 1]);
    }
    check_close(key.gradients[1].value, bptt.total.W);
    check_close(step_of(key.given, "h₀").value, net.h0);
    CHECK(step_of(key.forward, "a₂").terms[0].text == "h₁ W + u₂");
    CHECK(step_of(key.backward, "∂J/∂a₂").terms[0].text == "∂J/∂h₂ ⊙ (1 - h₂²)");
    CHECK(step_of(key.backward, "∂J/∂h₂").terms[1].text == "∂J/∂a₃ Wᵀ");
}

TEST_CASE("derivation: every line is the gradient of its node, and the sum of its terms") {
    const ElmanNet net;
    for (const bool hoist : {false, true}) {
        const Tape<double> tape({.fuse = false});
        const auto unrolled = nn::unroll(net.cell, net.x, input(net.h0), {.hoist = hoist});
        const Var<double> J = nn::softmax_cross_entropy(net.output(unrolled.outputs), net.targets);
        const Derivation key = derivation(J, {net.cell.W, net.cell.b, net.output.V, net.output.c});
        for (const auto* steps : {&key.backward, &key.gradients})
            for (const DerivationStep& step : *steps) {
                CAPTURE(step.left);
                const Var<double> node = J.tape().var(step.node);
                check_close(step.value, gradient(J, {node})[node]);
                Tensor<double> total = nn::zeros<double>(shape_of(step.value));
                for (const DerivationTerm& term : step.terms) total += term.value;
                check_close(total, step.value);
            }
        for (const DerivationStep& step : key.forward)
            check_same_bits(step.value, J.tape().var(step.node).value());
    }
}

TEST_CASE("derivation: the numbers of an equation give its value") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        const Tape<double> tape;
        const Var<double> x = input(random.tensor({})).named("x");
        const Var<double> w = input(random.tensor({}, 0.5, 2)).named("w");
        const Derivation key = derivation(scalars(x, w), {x, w}, {.digits = 12});
        std::size_t read = 0;
        const auto check = [&](const DerivationStep& step) {
            CAPTURE(step.left);
            double total = 0;
            for (const DerivationTerm& term : step.terms) {
                CAPTURE(term.text);
                REQUIRE(!term.numbers.empty());
                Reader reader(term.numbers);
                total += reader.sum();
                CHECK(reader.is_at_end());
                ++read;
            }
            CHECK(total == doctest::Approx(*step.value.data()).epsilon(1e-8));
        };
        for (const DerivationStep& step : key.forward) check(step);
        for (const DerivationStep& step : key.backward)
            if (step.left != "∂J/∂J") check(step);
        for (const DerivationStep& step : key.gradients) check(step);
        CHECK(read > 25);
    }
}

TEST_CASE("derivation: equation and rules of the elementary functions, worked out, are value and gradient") {
    using Function = std::function<Var<double>(const Var<double>&, const Var<double>&)>;
    const std::vector<Function> functions{
        [](const auto& a, const auto& b) { return a + b; },
        [](const auto& a, const auto& b) { return a - b; },
        [](const auto& a, const auto& b) { return a * b; },
        [](const auto& a, const auto& b) { return a / b; },
        [](const auto& a, const auto&) { return -a; },
        [](const auto& a, const auto&) { return exp(a); },
        [](const auto& a, const auto&) { return log(a); },
        [](const auto& a, const auto&) { return expm1(a); },
        [](const auto& a, const auto&) { return log1p(a); },
        [](const auto& a, const auto&) { return sqrt(a); },
        [](const auto& a, const auto&) { return square(a); },
        [](const auto& a, const auto&) { return abs(a); },
        [](const auto& a, const auto&) { return sin(a); },
        [](const auto& a, const auto&) { return cos(a); },
        [](const auto& a, const auto&) { return tanh(a); },
        [](const auto& a, const auto&) { return sigmoid(a); },
        [](const auto& a, const auto&) { return softplus(a); },
        [](const auto& a, const auto& b) {
            return nn::mean_squared_error(a, b, {.reduction = nn::Reduction::none});
        },
        [](const auto& a, const auto& b) {
            return nn::mean_absolute_error(a, b, {.reduction = nn::Reduction::none});
        },
    };
    Random random(5);
    for (std::size_t k = 0; k < functions.size(); ++k) {
        CAPTURE(k);
        const Tape<double> tape;
        const Var<double> a = input(random.tensor({}, 0.2, 2)).named("a");
        const Var<double> b = input(random.tensor({}, 0.2, 2)).named("b");
        const Var<double> y = functions[k](a, b).named("y");
        const Derivation key = derivation(y * 0.7, {a, b}, {.digits = 12});
        std::vector<DerivationStep> steps = key.gradients;
        steps.push_back(step_of(key.forward, "y"));
        for (const DerivationStep& step : steps) {
            if (step.terms.empty()) continue;  // of b, where there is none
            CAPTURE(step.terms[0].text);
            CHECK(Reader(step.terms[0].numbers).sum() == doctest::Approx(*step.value.data()).epsilon(1e-8));
        }
    }
}

TEST_CASE("derivation: no two nodes have one name") {
    const ElmanNet net;
    nn::Generator generator(3);
    const nn::LstmCell<double> lstm(H, 2, generator);
    const nn::ElmanCell<double> second(2, 2, generator);
    for (const bool fuse : {false, true}) {
        const Tape<double> tape({.fuse = fuse});
        const Var<double> h = nn::unroll(net.cell, net.x, input(net.h0), {.hoist = false}).outputs;
        const Var<double> y = nn::unroll(second, nn::unroll(lstm, h, {.hoist = false}).outputs).outputs;
        const Derivation key = derivation(sum(square(y)), {net.cell.W, second.W}, {.largest_graph = 400});
        std::set<std::string> names;
        for (const auto* steps : {&key.given, &key.forward, &key.backward, &key.gradients})
            for (const DerivationStep& step : *steps)
                CHECK_MESSAGE(names.insert(step.left).second, step.left);
        CHECK(names.contains("∂J/∂W"));
        CHECK(names.contains("∂J/∂W′′"));  // behind the LSTM's
    }
}

TEST_CASE("derivation: an argument used twice, a map, a custom operation and float") {
    const Tape<double> tape;
    const Var<double> x = input(Random(1).tensor({2, 2})).named("x");
    const Derivation twice = derivation(sum(matmul(x, x)), {x});
    CHECK(twice.gradients[0].terms[0].text == "∂J/∂o xᵀ + xᵀ ∂J/∂o");
    const auto cube = custom(
        "cube", [](const auto& a) { return a * a * a; },
        [](const auto& g, const auto&, const auto& a) { return 3.0 * g * a * a; });
    const Var<double> y = cube(x).named("y");
    const Derivation user = derivation(sum(y), {x});
    CHECK(step_of(user.forward, "y").terms[0].text == "cube(x)");
    CHECK(user.gradients[0].terms[0].text == "∂J/∂y ⊙ ∂y/∂x");
    const Var<double> z = map([](auto a) { return a * tanh(a); }, x).named("z");
    const Derivation fused = derivation(sum(z), {x});
    CHECK(step_of(fused.forward, "z").terms[0].text == "f(x)");
    CHECK(fused.gradients[0].terms[0].text == "∂J/∂z ⊙ ∂z/∂x");

    const Tape<float> other;
    const Var<float> w = input(Tensor<float>{1.F, 2.F}).named("w");
    check_close(derivation(sum(square(w)), {w}).gradients[0].value, Tensor<double>{2, 4});
}

TEST_CASE("derivation: losses of one input name an argument that has no name") {
    const Tape<double> tape;
    const Var<double> z = input(Random(4).tensor({2, 3}));
    const Derivation key = derivation(nn::softmax_cross_entropy(z, {2, 0}), {z});
    CHECK(key.given.front().left == "x");
    CHECK(key.gradients[0].left == "∂J/∂x");
    // What is recorded next to it reads the same argument.
    const Var<double> losses = nn::softmax_cross_entropy(z, {2, 0}, {.reduction = nn::Reduction::none});
    const Var<double> squared = square(z);
    CHECK(derivation(sum(losses) + sum(squared), {z}).given.front().left == "x");
    const Var<double> targets = input(Random(5).tensor({2, 3}));
    const Derivation squares = derivation(nn::mean_squared_error(z, targets), {z});
    CHECK(squares.given[0].left == "x");
    CHECK(squares.given[1].left == "y");
}

TEST_CASE("derivation: the numbers of an argument used twice are joined by their signs") {
    const Tape<double> tape;
    const Var<double> x = input(Tensor<double>{3}).named("x");
    const Var<double> y = (x - x).named("y");
    const Derivation key = derivation(sum(y * 5), {x});
    const DerivationTerm& term = key.gradients[0].terms[0];
    CHECK(term.text == "∂J/∂y - ∂J/∂y");
    CHECK(term.numbers == "5 - 5");
}

TEST_CASE("derivation: a term that is a sum stands in parentheses behind the sum over time") {
    const Tape<double> tape;
    const Var<double> w = input(Tensor<double>{1.5}).named("w");
    Var<double> h = input(Tensor<double>{0.5}).named("h0");
    for (std::size_t t = 0; t < 3; ++t) {
        const LabelScope<double> step(t);
        h = h + w * w;
    }
    const std::string twice = derivation(sum(h), {w}).text();
    CHECK_MESSAGE(contains(twice, "∂J/∂w = Σₜ (∂J/∂mₜ ⊙ w + ∂J/∂mₜ ⊙ w)"), twice);
    Var<double> single = input(Tensor<double>{0.5}).named("s0");
    for (std::size_t t = 0; t < 3; ++t) {
        const LabelScope<double> step(t);
        single = single * tanh(w + single);
    }
    const std::string plain = derivation(sum(single), {w}).text();
    CHECK_MESSAGE(contains(plain, "∂J/∂w = Σₜ ∂J/∂"), plain);
}

TEST_CASE("derivation: what J does not depend on is 0, and a broadcast argument is summed") {
    const Tape<double> tape;
    const Var<double> x = input(Random(1).tensor({3, 2})).named("x");
    const Var<double> b = input(Random(2).tensor({2})).named("b");
    const Var<double> other = input(Random(3).tensor({2})).named("other");
    const Derivation key = derivation(sum(square(x + b)), {b, other});
    CHECK(contains(key.gradients[0].terms[0].text, "sum("));
    CHECK(contains(key.text(), "sum() adds up what was broadcast"));
    CHECK(contains(key.text(), "∂J/∂other = [0 0]"));
    const Parameter<double> never("never", nn::zeros<double>({2}));
    CHECK(contains(derivation(sum(x), {never}).text(), "∂J/∂never = [0 0]"));
}

TEST_CASE("derivation: an input with one element is a number, unless it is asked for") {
    const Tape<double> tape;
    const Var<double> x = input(Tensor<double>(2.0));
    const Var<double> J = square(x) * 3.0;
    const Derivation key = derivation(J, {x});
    CHECK(key.gradients.at(0).left == "∂J/∂x");
    REQUIRE(key.given.size() == 1);
    CHECK(key.given[0].left == "x");
    CHECK(*key.gradients[0].value.data() == 12);
    CHECK(contains(key.text(), "3"));
    CHECK(derivation(J, {square(x)}).given.empty());
}

TEST_CASE("derivation: lines are as long as the options say, and LaTeX is well formed") {
    const ElmanNet net;
    const Tape<double> tape({.fuse = false});
    const Derivation key =
        derivation(net.loss(), {net.cell.U, net.cell.W, net.cell.b, net.output.V, net.output.c},
                   {.printed_elements = 4, .line_width = 80});
    std::istringstream lines(key.text());
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("  ")) CHECK_MESSAGE(columns_of(line) <= 80, line);
    CHECK(contains(key.text(), "[2, 3] of norm "));
    const Var<double> tiny = input(filled({4, 4}, 1e-200)).named("tiny");
    CHECK(contains(derivation(sum(tiny), {tiny}).text(), "[4, 4] of norm 4·10⁻²⁰⁰"));

    const std::string latex = key.latex();
    CHECK(count_of(latex, "\\begin{align*}") == 4);
    CHECK(count_of(latex, "\\end{align*}") == 4);
    CHECK(count_of(latex, "\\left(") == count_of(latex, "\\right)"));
    CHECK(count_of(latex, "\\begin{pmatrix}") == count_of(latex, "\\end{pmatrix}"));
    int depth = 0;
    for (std::size_t i = 0; i < latex.size(); ++i) {
        CHECK(static_cast<unsigned char>(latex[i]) < 0x80);
        if (latex[i] == '\\')
            ++i;
        else
            depth += latex[i] == '{' ? 1 : latex[i] == '}' ? -1 : 0;
        CHECK(depth >= 0);
    }
    CHECK(depth == 0);
}

TEST_CASE("derivation: an initial state may have a name, and the states keep their letter") {
    const ElmanNet net;
    for (const std::string name : {"h0", "h_0", "start", ""}) {
        CAPTURE(name);
        const Tape<double> tape({.fuse = false});
        Var<double> h0 = input(net.h0);
        if (!name.empty()) h0 = h0.named(name);
        const Var<double> J = sum(nn::unroll(net.cell, net.x, h0, {.hoist = false}).state);
        const std::string text = derivation(J, {net.cell.W}).text();
        CHECK_MESSAGE(contains(text, "∂J/∂W = Σₜ hₜ₋₁ᵀ ∂J/∂aₜ"), text);
        CHECK_MESSAGE(contains(text, "∂J/∂h₂"), text);
        CHECK_MESSAGE(contains(text, name == "start" ? "start" : "h₀"), text);
    }
}

TEST_CASE("derivation: a name with a power has no second one beside it") {
    const Tape<double> tape;
    const Parameter<double> W("W^x", Random(1).tensor({2, 2}));
    const Var<double> x = input(Random(2).tensor({1, 2})).named("x^a");
    const Derivation key = derivation(sum(square(matmul(x, W))), {W, x});
    CHECK(contains(key.latex(), "(W^{x})^{\\top}"));
    CHECK(contains(key.latex(), "\\partial W^{x}"));
    // Every brace, power or index closed before the next.
    for (const char* wrong : {"}^{\\top}^", "^{x}^{", "^{a}^{", "_{in}_{"})
        CHECK_MESSAGE(!contains(key.latex(), wrong), key.latex());
    CHECK(latex("x_in₁") == "{x_{in}}_{1}");
    CHECK(latex("W^x²") == "{W^{x}}^{2}");
    CHECK(latex("W^x′") == "{W^{x}}'");
    CHECK(latex("h′ᵀ") == "h'^{\\top}");
}

TEST_CASE("derivation: a line that is one long term keeps the width, too") {
    const Tape<double> tape;
    std::vector<Var<double>> parts;
    for (int k = 0; k < 30; ++k)
        parts.push_back(input(Tensor<double>{0.25 * k}).named(fmt::format("part{}", k)));
    Var<double> product = parts[0];
    for (int k = 1; k < 12; ++k) product = product * parts[static_cast<std::size_t>(k)];
    const Var<double> J = sum(square(stack(parts))) + sum(tanh(product));
    const Derivation key = derivation(J, {parts[3], parts[29]}, {.line_width = 60});
    const auto check_lines = [](const std::string& text, bool columns) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("  ")) CHECK_MESSAGE((columns ? columns_of(line) : line.size()) <= 60, line);
    };
    check_lines(key.text(), true);
    check_lines(key.latex(), false);
    CHECK(contains(key.text(), "part₂₉"));
}

TEST_CASE("derivation: what is too large, or no loss, is refused") {
    const Tape<double> tape;
    const Var<double> x = input(Random(1).tensor({2}));
    Var<double> y = x;
    for (int k = 0; k < 200; ++k) y = tanh(y);
    const Var<double> J = sum(y);
    const std::size_t size = tape.size();
    CHECK(contains(text_of<std::invalid_argument>([&] { derivation(J, {x}); }),
                   "derivation: the graph of J has 201 operations and the options allow 200"));
    CHECK(contains(text_of<std::invalid_argument>([&] { derivation(x, {x}); }), "derivation: J is [2]"));
    const Tape<double> other;
    const Var<double> foreign = input(Random(1).tensor({2}));
    CHECK(contains(text_of<std::logic_error>([&] { derivation(J, {foreign}); }), "derivation:"));
    CHECK(tape.size() == size);
}
