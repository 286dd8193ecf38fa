#include <tests/expect.hpp>

#include <autograd/autograd.hpp>
#include <autograd/check/check_gradient.hpp>
#include <nn/nn.hpp>

// A report accuses the rule that is wrong, and no other.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

void check_accuses_only(const GradientReport& report, const std::string& operation) {
    CHECK_MESSAGE(!report.passed(), report.text());
    bool any = false;
    for (const Finding& finding : report.findings)
        if (finding.rule.has_value()) {
            any = true;
            CHECK_MESSAGE(finding.rule->operation == operation, report.text());
            CHECK_MESSAGE(finding.rule->others == 0, report.text());
        }
    CHECK_MESSAGE(any, report.text());
}

const auto wrong = custom(
    "wrong", [](const auto& x) { return tanh(x); },
    [](const auto& g, const auto& y, const auto&) { return g * (1 - y); });

/// An Elman cell without a mistake, whose products are with transposed matrices.
struct Cell {
    Parameter<double> U, W;
    std::size_t units = W.shape()[0];

    D initial_state(std::size_t batch) const { return input(filled({batch, units}, 0.5)); }
    D project(const D& x) const { return matmul(x, U); }
    std::pair<D, D> step(const D& u, const D& h) const {
        const D next = tanh(u + matmul(h, W, {false, true}));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// Rows, those from `from` on zero.
Tensor<double> padded(std::size_t rows, std::size_t from, std::size_t columns) {
    Tensor<double> x = Random(5).tensor({rows, columns});
    std::fill(x.data() + from * columns, x.data() + rows * columns, 0.0);
    return x;
}

}  // namespace

TEST_CASE("check accused: nodes that are recorded, taken back and recorded again") {
    Cell cell{{"U", Random(1).tensor({2, 3})}, {"W", Random(2).tensor({3, 3})}};
    const auto f = [&](const D& x, const D& h) { return sum(wrong(nn::unroll(cell, x, h).outputs)); };
    const GradientReport report = check_gradient(
        f, {{"x", Random(3).tensor({4, 2, 2})}, {"h", Random(4).tensor({2, 3})}, cell.U, cell.W});
    check_accuses_only(report, "wrong");
}

TEST_CASE("check accused: a matrix of which products keep a copy") {
    constexpr std::size_t units = 48;  // large enough for one
    Cell cell{{"U", Random(1).tensor({2, units}, -0.2, 0.2)},
              {"W", Random(2).tensor({units, units}, -0.2, 0.2)}};
    const Tensor<double> x = Random(3).tensor({4, 8, 2});
    const auto f = [&] { return sum(wrong(nn::unroll(cell, input(x)).outputs)); };
    check_accuses_only(check_gradient(f, {cell.W}), "wrong");
}

TEST_CASE("check accused: a kink on the way is none that is wrong") {
    const auto f = [&](const auto& x, const auto& W) { return sum(wrong(relu(matmul(x, W)))); };
    const GradientReport report =
        check_gradient(f, {{"x", padded(6, 4, 3)}, {"W", Random(6).tensor({3, 4})}});
    check_accuses_only(report, "wrong");
    // And one that is wrong at its kink, between a part that is right and no other mistake, is not acquitted.
    const auto bent = custom(
        "bent", [](const auto& x) { return relu(x); },
        [](const auto& g, const auto&, const auto& x) { return g * (1.01 + 0 * x); });
    CHECK(!check_gradient([&](const auto& x) { return bent(x); }, {{"x", padded(6, 4, 3)}})
               .has(Diagnosis::detached));
}

TEST_CASE("check accused: a factor has no name where the operation sums over nothing") {
    const auto thrice = custom(
        "thrice", [](const auto& x) { return tanh(x); },
        [](const auto& g, const auto& y, const auto&) { return 3 * g * (1 - square(y)); });
    const GradientReport report =
        check_gradient([&](const auto& x) { return 2 * thrice(x); }, {{"x", Random(7).tensor({4, 3, 2})}});
    REQUIRE(report.has(Diagnosis::factor));
    CHECK_MESSAGE(contains(report.text(), "3 times"), report.text());
    CHECK_MESSAGE(!contains(report.text(), "equals"), report.text());
}

TEST_CASE("check accused: beside a mask of -1e9 the wrong rule is accused, not softmax") {
    const auto wrong_sin = custom(
        "wrong_sin", [](const auto& x) { return sin(x); },
        [](const auto& g, const auto&, const auto& x) { return g * cos(x) * 1.1; });
    Tensor<double> mask = filled({3, 4}, 0);
    for (const std::size_t row : {0U, 1U, 2U}) mask(row, 3) = -1e9;
    check_accuses_only(check_gradient([&](const D& x) { return wrong_sin(3 * softmax(x + input(mask))); },
                                      {{"x", Random(9).tensor({3, 4})}}),
                       "wrong_sin");
}

TEST_CASE("check accused: a small mistake is not called 1 times the right gradient, nor all rules right") {
    for (const double by : {1e-5, 4e-6, 2e-6}) {
        const auto slightly = custom(
            "wrong", [](const auto& x) { return tanh(x); },
            [by](const auto& g, const auto& y, const auto&) { return g * (1 - square(y)) * (1 + by); });
        const GradientReport report =
            check_gradient([&](const D& x) { return slightly(2 * x); }, {{"x", Random(9).tensor({3, 4})}});
        check_accuses_only(report, "wrong");
        CHECK_MESSAGE(!contains(report.text(), "is 1 times"), report.text());
        CHECK_MESSAGE(!contains(report.text(), "every recorded rule"), report.text());
    }
}

TEST_CASE("check accused: one wrong element is an element, not a slice") {
    const auto one = custom(
        "wrong", [](const auto& x) { return tanh(x); },
        [](const auto& g, const auto& y, const auto&) {
            const Tensor<double> factors =
                generate({30, 40}, [](const Position& p) { return p[0] == 7 && p[1] == 25 ? 2.0 : 1.0; });
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(y)>>)
                return g * (1 - square(y)) * Array<double>(factors);
            else
                return g * (1 - square(y)) * factors;
        });
    const GradientReport report = check_gradient(one, {{"x", Random(9).tensor({30, 40})}});
    CHECK_MESSAGE(report.has(Diagnosis::elements), report.text());
    CHECK_MESSAGE(contains(report.text(), "[7, 25]"), report.text());
}

TEST_CASE("check accused: an order is one of time steps only along time") {
    const auto backwards = custom(
        "backwards", [](const auto& x) { return tanh(x); },
        [](const auto& g, const auto& y, const auto&) { return flip(g * (1 - square(y)), 0); });
    for (const bool is_time : {true, false}) {
        const InputInfo info{{is_time ? "time" : "batch", "feature"}, {}};
        CheckOptions options;
        options.result = info;
        const GradientReport report =
            check_gradient(backwards, {{"x", Random(8).tensor({4, 3}), info}}, options);
        CHECK_MESSAGE(report.has(is_time ? Diagnosis::time_order : Diagnosis::order), report.text());
        CHECK_MESSAGE(contains(report.text(), "time order") == is_time, report.text());
    }
}
