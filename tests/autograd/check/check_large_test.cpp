#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>

// Inputs too large to be checked element by element.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// Random, with a zero at every third element.
Tensor<double> with_zeros(const Shape& shape) {
    Tensor<double> x = Random("zeros").tensor(shape);
    for (std::size_t i = 0; i < x.size(); i += 3) x.data()[i] = 0;
    return x;
}

/// The identity, with a rule that doubles one column.
auto wrong_in_column(std::size_t column) {
    return custom(
        "wrong", [](const auto& x) { return 1 * x; },
        [column](const auto& g, const auto&, const auto&) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>) {
                Tensor<double> result = g.tensor();
                for (std::size_t i = column; i < result.size(); i += g.shape().back()) result.data()[i] *= 2;
                return result;
            } else {
                return 1 * g;
            }
        });
}

/// Default options on a machine that may be busy, or under a sanitizer.
const CheckOptions unhurried{.seconds = 600};

}  // namespace

TEST_CASE("check large: a mistake in one column is located, by default options") {
    const Tensor<double> x = Random(1).tensor({160, 160});
    const GradientReport report =
        check_gradient([&](const auto& v) { return sum(sin(wrong_in_column(7)(v))); }, {{"x", x}}, unhurried);
    CHECK(!report.passed());
    CHECK(report.inputs.at(0).compared == x.size());
    CHECK(report.inputs.at(0).wrong == 160);
    CHECK(report.has(Diagnosis::part));
    CHECK_MESSAGE(contains(report.text(), "slice 7 along axis 1"), report.text());
}

TEST_CASE("check large: few wrong elements are found by halving, whatever the limit") {
    const Tensor<double> x = Random(1).tensor({160, 160});
    const GradientReport report =
        check_gradient([&](const auto& v) { return sum(sin(wrong_in_column(7)(v))); }, {{"x", x}},
                       {.elements_after_failure = 3'200, .seconds = unhurried.seconds});
    CHECK(report.inputs.at(0).compared == x.size());
    CHECK(report.inputs.at(0).wrong > 5);
    CHECK_MESSAGE(contains(report.text(), "slice 7 along axis 1"), report.text());
}

TEST_CASE("check large: a transposed gradient is named") {
    const auto wrong = custom(
        "wrong", [](const auto& x) { return 1 * x; },
        [](const auto& g, const auto&, const auto&) { return transpose(g); });
    const GradientReport report = check_gradient([&](const auto& v) { return sum(sin(2 * wrong(v))); },
                                                 {{"x", Random(2).tensor({60, 60})}}, {.full_limit = 100});
    CHECK(!report.passed());
    CHECK_MESSAGE(report.has(Diagnosis::transposed), report.text());
}

TEST_CASE("check large: kinks are not failures") {
    const GradientReport report =
        check_gradient([](const auto& x) { return relu(x); }, {{"x", with_zeros({160, 160})}});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.has(Diagnosis::kink));
    CHECK(report.inputs.at(0).failed_directions == 0);
    // In a sample as well, whose kinks are only some of all.
    const CheckOptions sampling{.full_limit = 100, .elements_after_failure = 200};
    const GradientReport sampled =
        check_gradient([](const auto& x) { return sum(abs(x)); }, {{"x", with_zeros({40, 40})}}, sampling);
    CHECK_MESSAGE(sampled.passed(), sampled.text());
}

TEST_CASE("check large: directions that fail are a mistake without any element, too") {
    const CheckOptions none{.full_limit = 100, .elements_after_failure = 0};
    CHECK(!check_gradient([&](const auto& v) { return sum(wrong_in_column(3)(v)); },
                          {{"x", Random(1).tensor({20, 20})}}, none)
               .passed());
}

TEST_CASE("check large: what is wrong beside kinks is wrong") {
    const auto wrong = wrong_in_column(5);
    const GradientReport report = check_gradient([&](const auto& x) { return sum(wrong(sin(x)) + relu(x)); },
                                                 {{"x", with_zeros({40, 40})}}, {.full_limit = 100});
    CHECK(!report.passed());
    CHECK_MESSAGE(report.inputs.at(0).wrong >= 26, report.text());
}
