#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

#include <bit>
#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

const auto cube_with = [](double factor) {
    return custom(
        "cube", [](const auto& x) { return x * x * x; },
        [factor](const auto& g, const auto&, const auto& x) { return factor * g * x * x; });
};

Tensor<double> numbers(const Shape& shape, std::uint64_t seed = 1) { return Random(seed).tensor(shape); }

bool same_bits(const Tensor<double>& a, const Tensor<double>& b) { return difference_in_bits(a, b).empty(); }

}  // namespace

TEST_CASE("check_gradient: a right gradient passes, whatever the form of the function") {
    const Tensor<double> x = numbers({3, 4});
    const Tensor<double> W = numbers({4, 2}, 2);
    Parameter<double> b("b", numbers({2}, 3));
    CHECK(
        check_gradient([](const auto& v, const auto& w) { return tanh(matmul(v, w)); }, {{"x", x}, {"W", W}})
            .passed());
    CHECK(
        check_gradient([&](const Var<double>& v) { return sum(matmul(v, W) + b); }, {{"x", x}, b}).passed());
    CHECK(check_gradient([&] { return sum(square(b)); }, parameter_list(b)).passed());
    CHECK(check_gradient([&] { return sum(square(b)); }, {b}).passed());
    CHECK(check_gradient([](const std::vector<Var<double>>& v) { return v[0] * v[1]; }, {x, 2 * x}).passed());
    CHECK(check_gradient(cube_with(3), {x}).passed());
    // Several results, as a tuple, a pair, an array or a vector.
    CHECK(check_gradient([](const auto& v) { return std::tuple{sum(v), square(v), exp(v)}; }, {x}).passed());
    CHECK(check_gradient([](const auto& v) { return std::pair{sum(v), square(v)}; }, {x}).passed());
    const GradientReport split_in_two =
        check_gradient([](const auto& v) { return split(square(v), 2, 1); }, {x});
    CHECK(split_in_two.passed());
    CHECK(split_in_two.result_elements == 12);
    CHECK(split_in_two.inputs.at(0).name == "argument 0");
    CHECK(split_in_two.inputs.at(0).compared == 12);
}

TEST_CASE("check_gradient: the report is a value that says all there is to an element") {
    const Tensor<double> x = numbers({2, 1, 4});
    const CheckInput<double> named("x", x, {{"time", "batch", "gates"}, {"forget", "candidate"}});
    const GradientReport report = check_gradient(cube_with(6), {named}, {.seed = 7, .worst = 3});
    CHECK(!report.passed());
    CHECK(report.seed == 7);
    CHECK(report.in_double);
    CHECK(report.has(Diagnosis::factor));
    CHECK(report.findings.at(0).factor == doctest::Approx(2).epsilon(1e-8));
    CHECK(report.findings.at(0).input == "x");
    REQUIRE(report.findings.at(0).rule.has_value());
    CHECK(report.findings.at(0).rule->operation == "cube");
    const CheckedInput& checked = report.inputs.at(0);
    CHECK(checked.wrong == 8);
    CHECK(checked.shape == Shape{2, 1, 4});
    REQUIRE(checked.worst.size() == 3);
    for (const CheckedElement& one : checked.worst) {
        const double value = x.data()[one.index];
        CHECK(std::abs(one.tape) / (6 * value * value) > 0.49);  // a cotangent of 0.5 to 1.5
        CHECK(one.tape == doctest::Approx(2 * one.numeric).epsilon(1e-7));
        CHECK(one.difference == one.tape - one.numeric);
        CHECK(std::abs(one.difference) > one.tolerance);
        CHECK(one.verdict == Verdict::wrong);
        CHECK(std::exp2(std::round(std::log2(one.step))) == one.step);
        REQUIRE(one.position.size() == 3);
        CHECK(one.position[0] * 4 + one.position[2] == one.index);
        CHECK(one.time_step == one.position[0]);
        CHECK(one.gate == (one.position[2] < 2 ? "forget" : "candidate"));
        CHECK(contains(one.place(), "gate " + one.gate));
        CHECK(contains(report.text(), one.place()));
    }
    for (const char* part : {"FAILED", "from the tape", "by differences", "relative", "seed 7", "2 times"})
        CHECK_MESSAGE(contains(report.text(), part), part);
}

TEST_CASE("check_gradient: it fails without a diagnosis too") {
    const GradientReport report = check_gradient(cube_with(2), {{"x", numbers({3})}}, {.diagnose = false});
    CHECK(!report.passed());
    CHECK(report.has(Diagnosis::unexplained));
    CHECK(!report.findings.at(0).rule.has_value());
    CHECK(!check_gradient(cube_with(2), {{"x", numbers({3})}}, {.order = 2, .diagnose = false}).passed());
}

TEST_CASE("check_gradient: each tolerance decides where it is the largest") {
    const auto slightly_wrong = [](double error) {
        return custom(
            "slightly", [](const auto& x) { return 1 * x; },
            [error](const auto& g, const auto&, const auto&) { return g * (1 + error); });
    };
    const auto passes = [&](double error, const CheckOptions& options) {
        return check_gradient([&](const auto& x) { return sum(slightly_wrong(error)(x)); }, {numbers({3})},
                              options)
            .passed();
    };
    CHECK(passes(5e-7, {}));
    CHECK(!passes(2e-6, {}));
    CHECK(passes(2e-6, {.relative = 1e-5}));
    CHECK(!passes(5e-7, {.relative = 1e-7}));
    CHECK(passes(2e-6, {.absolute = 1e-5}));
    const auto rule_of = [](double scale, const CheckOptions& options) {
        return check_gradient([&](const auto& x) { return sum(scale * x) + 1e7 * sum(0 * x + 1); },
                              {numbers({3})}, options)
            .inputs.at(0)
            .worst.at(0)
            .rule;
    };
    CHECK(rule_of(1, {}) == ToleranceRule::rounding);
    CHECK(rule_of(1, {.relative = 0.5, .absolute = 0.3}) == ToleranceRule::relative);
    CHECK(rule_of(1, {.relative = 0.2, .absolute = 0.7}) == ToleranceRule::absolute);
}

TEST_CASE("check_gradient: parameters are as before, to the last bit, even after a throw") {
    Parameter<double> p("p", numbers({50}));
    const Tensor<double> before = p.value();
    const std::uint64_t version = p.storage()->version;
    Tape<double> tape;
    const Var<double> J = sum(square(p));
    CHECK(check_gradient([&] { return sum(exp(p)); }, {p}).passed());
    CHECK(same_bits(p.value(), before));
    CHECK(p.storage()->version == version);
    check_close(gradient(J, {p})[p], 2 * before);  // a tape that holds it can still be differentiated
    int calls = 0;
    const auto throwing = [&] {
        if (++calls == 17) throw std::runtime_error("the seventeenth");
        return sum(exp(p));
    };
    CHECK(text_of<std::runtime_error>([&] { check_gradient(throwing, {p}); }) == "the seventeenth");
    CHECK(same_bits(p.value(), before));
    CHECK(p.storage()->version == version);
}

TEST_CASE("check_gradient: what cannot be checked is refused with a reason") {
    const Tensor<double> x = numbers({2, 3});
    const auto identity = [](const auto& v) { return 1 * v; };
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       check_gradient(identity, {{"x", x}, {"y", x}});
                   }),
                   "2 tensors"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       check_gradient(identity, {{"x", x}}, {.order = 3});
                   }),
                   "order is 3"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       check_gradient(identity, CheckInputs<double>(std::vector<CheckInput<double>>{}));
                   }),
                   "no inputs"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       check_gradient(identity, {{"x", x, {{"time"}, {}}}});
                   }),
                   "1 axes are named"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       check_gradient(identity, {{"x", x, {{}, {"a", "b"}}}});
                   }),
                   "2 gates"));
    Tape<double> outside;
    const Var<double> far = input(x);
    CHECK(contains(text_of<std::logic_error>([&] {
                       check_gradient([&](const auto&) { return sum(far); }, {{"x", x}});
                   }),
                   "another tape"));
}

TEST_CASE("check_gradient: a kink is a verdict, and wrong beyond it is wrong") {
    const Tensor<double> at_kinks = vector({0, 1, -1, 0});
    const GradientReport report = check_gradient([](const auto& x) { return relu(x); }, {{"x", at_kinks}});
    CHECK(report.passed());
    CHECK(report.has(Diagnosis::kink));
    CHECK(report.inputs.at(0).undecided == 2);
    CHECK(contains(report.text(), "from below"));
    CHECK(check_gradient([](const auto& x) { return abs(x) + maximum(x, 0.0); }, {{"x", at_kinks}}).passed());
    // Just beside the kink a smaller step decides.
    const GradientReport beside =
        check_gradient([](const auto& x) { return relu(x); }, {{"x", vector({1e-7, -1e-7})}});
    CHECK(beside.passed());
    CHECK(!beside.has(Diagnosis::kink));
    const auto bent = custom(
        "bent", [](const auto& x) { return relu(x); },
        [](const auto& g, const auto&, const auto& x) { return g * (2.0 + 0 * x); });
    const GradientReport wrong = check_gradient(bent, {{"x", at_kinks}});
    CHECK(!wrong.passed());
    CHECK(wrong.inputs.at(0).wrong == 4);  // 2 is neither slope at 0, nor between them
    // At the edge of the domain there is one side alone.
    const GradientReport edge =
        check_gradient([](const auto& x) { return sqrt(x) * x; }, {{"x", vector({0, 1})}});
    CHECK_MESSAGE(edge.passed(), edge.text());
}

TEST_CASE("check_gradient: what rounding hides is told apart from what is wrong, and the sweep is shown") {
    const auto swallowed = [](const auto& x) { return (x * x * x + 1e13) - 1e13; };  // by every usual step
    CHECK(check_gradient(swallowed, {{"x", numbers({3})}}).passed());
    CHECK(check_gradient(swallowed, {{"x", numbers({3})}}).has(Diagnosis::rounding));
    const auto lossy = [](const auto& x) { return (x * x * x + 1e11) - 1e11; };
    const GradientReport report = check_gradient(lossy, {{"x", numbers({3})}});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.has(Diagnosis::rounding));
    CHECK(report.inputs.at(0).undecided > 0);
    const CheckedElement& worst = report.inputs.at(0).worst.at(0);
    CHECK(worst.verdict == Verdict::rounding);
    CHECK(worst.sweep.size() >= 8);
    CHECK(contains(report.text(), "by step"));
    // Far beyond the rounding it is wrong nevertheless.
    const auto wrong = custom(
        "wrong", [](const auto& x) { return (x + 1e13) - 1e13; },
        [](const auto& g, const auto&, const auto&) { return 1e6 * g; });
    CHECK(!check_gradient(wrong, {{"x", numbers({3})}}).passed());
    // Curvature that the usual step is too large for.
    const GradientReport stiff =
        check_gradient([](const auto& x) { return sin(30000 * x); }, {{"x", numbers({4})}});
    CHECK_MESSAGE(stiff.passed(), stiff.text());
}

TEST_CASE("check_gradient: a function that is not the same each time is named so") {
    Random random(4);
    const auto noisy = [&](const auto& x) { return x * random.uniform(0.9, 1.1); };
    const GradientReport report = check_gradient(noisy, {{"x", numbers({3})}});
    CHECK(!report.passed());
    CHECK(report.has(Diagnosis::non_deterministic));
    CHECK(report.findings.size() == 1);
    int calls = 0;
    const auto ageing = [&](const auto& x) { return x * (++calls > 10 ? 2.0 : 1.0); };
    CHECK(check_gradient(ageing, {{"x", numbers({8})}}).has(Diagnosis::non_deterministic));
}

TEST_CASE("check_gradient: a value that is not finite is a finding of its own") {
    const GradientReport report =
        check_gradient([](const auto& x) { return log(x); }, {{"x", vector({1, -1})}});
    CHECK(!report.passed());
    CHECK(report.has(Diagnosis::not_finite));
    CHECK(contains(report.text(), "1 of 2 elements"));
    CHECK(contains(report.text(), ".watch = true"));
}

TEST_CASE("check_gradient: large inputs are checked in random directions, and in full where one fails") {
    const Tensor<double> x = numbers({50, 20});
    const CheckOptions options{.full_limit = 100, .directions = 4};
    const auto f = [](const auto& v) { return sum(sin(v) * v); };
    const GradientReport right = check_gradient(f, {{"x", x}}, options);
    CHECK(right.passed());
    CHECK(right.inputs.at(0).directions == 4);
    CHECK(right.inputs.at(0).compared == 0);
    CHECK(right.evaluations < 60);
    // One element of a thousand, wrong by a tenth.
    const auto wrong = custom(
        "wrong", [](const auto& v) { return 1 * v; },
        [](const auto& g, const auto&, const auto&) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>) {
                Tensor<double> result = g.tensor();
                result.data()[777] *= 1.1;
                return result;
            } else {
                return 1 * g;
            }
        });
    const GradientReport found =
        check_gradient([&](const auto& v) { return f(wrong(v)); }, {{"x", x}}, options);
    CHECK(!found.passed());
    CHECK(found.inputs.at(0).failed_directions == 4);
    CHECK(found.inputs.at(0).compared == 1000);
    CHECK(found.inputs.at(0).wrong == 1);
    CHECK(found.inputs.at(0).worst.at(0).position == std::vector<std::size_t>{38, 17});
    CHECK_MESSAGE(found.has(Diagnosis::elements), found.text());
}

TEST_CASE("check_gradient: float is checked in double if it can be, and warned of if not") {
    const Tensor<float> x = rounded<float>(numbers({3, 4}));
    const GradientReport generic = check_gradient([](const auto& v) { return tanh(v); }, {{"x", x}});
    CHECK(generic.passed());
    CHECK(generic.in_double);
    CHECK(generic.warnings.empty());
    const GradientReport coarse = check_gradient([](const Var<float>& v) { return tanh(v); }, {{"x", x}});
    CHECK(coarse.passed());
    CHECK(!coarse.in_double);
    REQUIRE(coarse.warnings.size() == 1);
    CHECK(contains(coarse.text(), "float"));
    Parameter<float> p("p", x);
    CHECK(!check_gradient([&] { return sum(square(p)); }, {p}).in_double);
    const auto wrong = custom(
        "cube", [](const auto& v) { return v * v * v; },
        [](const auto& g, const auto&, const auto& v) { return 2 * g * v * v; });
    const GradientReport found = check_gradient([&](const Var<float>& v) { return wrong(v); }, {{"x", x}});
    CHECK(found.has(Diagnosis::factor));
    CHECK(found.findings.at(0).factor == doctest::Approx(2.0 / 3).epsilon(1e-2));
}

TEST_CASE(
    "check_gradient: the second order holds the gradient of the gradient, and products, against each other") {
    const Tensor<double> x = numbers({3, 2});
    const Tensor<double> W = numbers({2, 2}, 5);
    const auto f = [](const auto& v, const auto& w) { return tanh(matmul(v, w)) * v; };
    const GradientReport report = check_gradient(f, {{"x", x}, {"W", W}}, {.order = 2});
    CHECK_MESSAGE(report.passed(), report.text());
    REQUIRE(report.inputs.size() == 5);
    CHECK(report.inputs.at(2).order == 2);
    CHECK(report.inputs.at(4).name == "cotangent of result 0");
    // Right in value, wrong when differentiated by the cotangent.
    const auto frozen = custom(
        "frozen", [](const auto& v) { return sin(v); },
        [](const auto& g, const auto&, const auto& v) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>)
                return g * cos(v);
            else
                return detach(g) * cos(v);
        });
    const GradientReport found = check_gradient(frozen, {{"x", x}}, {.order = 2});
    CHECK(!found.passed());
    CHECK(found.findings.at(0).order == 2);
    CHECK(found.findings.at(0).input == "cotangent of result 0");
    CHECK(check_gradient(frozen, {{"x", x}}).passed());
}

TEST_CASE("check_gradient: a function that differentiates by itself is recorded each time") {
    const auto penalty = [](const auto& x) {
        const auto J = sum(sin(x) * x);
        return sum(square(gradient_graph(J, {x}).at(0)));
    };
    const GradientReport report = check_gradient(penalty, {{"x", numbers({4})}});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.inputs.at(0).largest > 0.1);
    CHECK(report.inputs.at(0).compared == 4);
}

TEST_CASE("check_gradient: what a function does not depend on is warned of") {
    const GradientReport report = check_gradient([](const auto& x, const auto&) { return square(x); },
                                                 {{"x", numbers({3})}, {"unused", numbers({2})}});
    CHECK(report.passed());
    REQUIRE(report.warnings.size() == 1);
    CHECK(contains(report.warnings.at(0), "`unused`"));
}

TEST_CASE("check_gradient: empty inputs and empty results are right") {
    CHECK(check_gradient([](const auto& x) { return square(x); }, {{"x", numbers({0, 3})}}).passed());
    CHECK(check_gradient([](const auto& x, const auto& y) { return sum(x) + sum(y); },
                         {{"x", numbers({0})}, {"y", numbers({2})}})
              .passed());
}

TEST_CASE("check_gradient: the same seed gives the same report, another one another cotangent") {
    const Tensor<double> x = numbers({5});
    const auto value = [&](std::uint64_t seed) {
        return check_gradient([](const auto& v) { return sin(v); }, {{"x", x}}, {.seed = seed})
            .inputs.at(0)
            .largest;
    };
    CHECK(value(3) == value(3));
    CHECK(value(3) != value(4));
}

TEST_CASE("check_gradient: the text is of bounded length") {
    std::vector<CheckInput<double>> many;
    for (int i = 0; i < 60; ++i) many.emplace_back("x" + std::to_string(i), numbers({30}));
    const auto wrong = cube_with(2);
    const GradientReport report = check_gradient(
        [&](const std::vector<Var<double>>& x) {
            Var<double> total = sum(wrong(x[0]));
            for (std::size_t i = 1; i < x.size(); ++i) total = total + sum(wrong(x[i]));
            return total;
        },
        many, {.seconds = 600});  // on a slow machine, too
    CHECK(report.findings.size() == 60);
    CHECK(report.text().size() < 15'000);
    CHECK(contains(report.text(), "more findings"));
    CHECK(contains(report.text(), "more inputs"));
}
