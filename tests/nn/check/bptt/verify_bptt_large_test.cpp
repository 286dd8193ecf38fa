#include <tests/expect.hpp>

#include <autograd/check/fault.hpp>
#include <autograd/custom.hpp>
#include <nn/check/check.hpp>
#include <nn/nn.hpp>

#include <functional>

// Cells too large to be compared element by element in every step; and parameters that start at 0.

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using D = Var<double>;

const nn::BpttWay& differences_of(const nn::BpttReport& report) { return report.ways.back(); }

std::size_t elements_of_steps(const nn::BpttReport& report) {
    std::size_t compared = 0;
    for (const nn::StepCheck& step : differences_of(report).time_steps)
        for (const nn::Deviation& one : step.deviations) compared += one.compared;
    return compared;
}

/// The identity, with a rule that is wrong for one element of a matrix.
auto wrong_at(std::size_t index) {
    return custom(
        "wrong", [](const auto& x) { return 1 * x; },
        [index](const auto& g, const auto&, const auto&) {
            if constexpr (tapeloop::detail::is_array<std::decay_t<decltype(g)>>) {
                Tensor<double> result = g.tensor();
                result.data()[index] *= 1.5;
                return result;
            } else {
                return 1 * g;
            }
        });
}

/// h' = tanh(x U + h W), of many units.
struct Wide {
    static constexpr std::size_t units = 96;
    Parameter<double> U{"U", Random(1).tensor({8, units}, -0.3, 0.3)};
    Parameter<double> W{"W", Random(2).tensor({units, units}, -0.1, 0.1)};
    std::function<D(const Parameter<double>& W)> of = [](const auto& given) { return 1 * given; };

    D initial_state(std::size_t batch) const { return input(filled({batch, units}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(x, U) + matmul(h, of(W)));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

/// Its gates see the last state through a vector that starts at 0.
struct Peephole {
    Parameter<double> U{"U", Random(1).tensor({3, 4})};
    Parameter<double> W{"W", Random(2).tensor({4, 4})};
    Parameter<double> p{"p", filled({4}, 0)};

    D initial_state(std::size_t batch) const { return input(filled({batch, 4}, 0)); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(x, U) + matmul(h, W) + p * detach(h));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W, p); }
};

}  // namespace

TEST_CASE("verify_bptt: an LSTM of 64 units over 20 steps is verified along directions") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(32, 64, generator);
    const nn::BpttReport report = nn::verify_bptt(cell, Random(3).tensor({20, 8, 32}));
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(elements_of_steps(report) == 0);
    CHECK(report.differences.evaluations < 1'000);
    for (const CheckedInput& one : report.differences.inputs)
        CHECK((one.directions >= 8 || one.compared == one.shape.size()));
}

TEST_CASE("check_cell: an LSTM of 64 units over 10 steps is checked along directions") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(32, 64, generator);
    const nn::CellReport report = nn::check_cell(cell, Random(3).tensor({10, 8, 32}));
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.gradient.evaluations < 2'000);
}

TEST_CASE("verify_bptt: along directions a wrong step is found, and among many elements the wrong one") {
    const Tensor<double> x = Random(3).tensor({12, 12, 8});
    Wide right;
    const nn::BpttReport passing = nn::verify_bptt(right, x);
    CHECK_MESSAGE(passing.passed(), passing.text());
    CHECK(elements_of_steps(passing) == 0);

    Wide wrong;
    wrong.of = wrong_at(5 * Wide::units + 7);
    const nn::BpttReport found = nn::verify_bptt(wrong, x);
    REQUIRE_MESSAGE(found.first_divergence.has_value(), found.text());
    CHECK(found.first_divergence->time_step == 11);
    CHECK(found.first_divergence->deviation.name == "W");
    CHECK(found.first_divergence->deviation.at == std::vector<std::size_t>{5, 7});

    const InjectedFault<double> injected({Fault::Kind::scale, "tanh", {}, "t=9", 1.001});
    const nn::BpttReport step = nn::verify_bptt(right, x);
    REQUIRE_MESSAGE(step.first_divergence.has_value(), step.text());
    CHECK(step.first_divergence->time_step == 9);
}

TEST_CASE("verify_bptt: a mistake behind a peephole that starts at 0 is seen") {
    const Tensor<double> x = Random(3).tensor({5, 2, 3});
    Peephole cell;
    const nn::BpttReport report = nn::verify_bptt(cell, x);
    CHECK_MESSAGE(!report.passed(), report.text());
    REQUIRE(report.first_divergence.has_value());
    CHECK(report.first_divergence->deviation.name == "state");
    check_same_bits(cell.p.value(), filled({4}, 0));
    CHECK(cell.p.storage()->version == 0);
    // Where it is, nothing can be seen of it.
    CHECK(nn::verify_bptt(cell, x, {.zeros_moved_by = 0}).passed());
    CHECK(contains(text_of<std::invalid_argument>([&] { nn::verify_bptt(cell, x, {.zeros_moved_by = -1}); }),
                   "verify_bptt: zeros_moved_by is -1; it must be 0 or more"));
}
