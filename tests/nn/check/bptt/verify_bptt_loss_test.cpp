#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/nn.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

// The loss that `verify_bptt` is given, and cells that are nearly those of the library.

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

using D = Var<double>;

Tensor<double> sequence(std::size_t T, std::size_t B) { return Random(7).tensor({T, B, I}, -1.5, 1.5); }

nn::ElmanCell<double> elman() {
    nn::Generator generator(3);
    return {I, H, generator};
}

const auto wrong_square = custom(
    "wrong_square", [](const auto& x) { return x * x; },
    [](const auto& g, const auto&, const auto& x) { return g * x; });  // the 2 is missing

void check_passes(const nn::BpttReport& report) { CHECK_MESSAGE(report.passed(), report.text()); }

void check_fails(const nn::BpttReport& report, const std::string& sentence) {
    CHECK_FALSE(report.passed());
    CHECK_MESSAGE(contains(report.text(), sentence), report.text());
}

double largest_by(const nn::BpttReport& report, const std::string& name) {
    for (const CheckedInput& input : report.differences.inputs)
        if (input.name == name) return input.largest;
    FAIL("there is no gradient by " << name);
    return 0;
}

/// Elman, with a start that is learnt.
struct LearntStart : nn::ElmanCell<double> {
    Parameter<double> h0{"h0", Random(7).tensor({H})};

    LearntStart() : nn::ElmanCell<double>(elman()) {}
    D initial_state(std::size_t batch) const { return broadcast_to(h0, {batch, H}); }
    ParameterList<double> parameters() { return parameter_list(U, W, b, h0); }
};

/// Elman, with another step.
struct Halved : nn::ElmanCell<double> {
    Halved() : nn::ElmanCell<double>(elman()) {}
    std::pair<D, D> step(const D& u, const D& h) const {
        const D next = 0.5 * nn::ElmanCell<double>::step(u, h).second;
        return {next, next};
    }
};

/// h' = 0.9 h + x
struct Leaky {
    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, I})); }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = 0.9 * h + x;
        return {next, next};
    }
    ParameterList<double> parameters() { return {}; }
};

/// Its weights are called as other inputs are.
struct OddNames {
    Parameter<double> x{"x", Random(1).tensor({I, H})};
    Parameter<double> state{"state", Random(2).tensor({H, H})};
    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    std::pair<D, D> step(const D& given, const D& h) const {
        const D next = tanh(matmul(given, x) + matmul(h, state));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(x, state); }
};

/// A cell that lets, when it reads a sequence by itself, no gradient comes from its output at t = 1.
struct ForgetsAStep {
    Parameter<double> U{"U", Random(1).tensor({I, H})};
    Parameter<double> W{"W", Random(2).tensor({H, H})};

    D initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    nn::Unrolled<double, D> unroll(const D& x, const D& state, const nn::UnrollOptions&) const {
        D h = state;
        std::vector<D> outputs;
        for (const D& at_t : unstack(x)) {
            h = step(at_t, h).second;
            outputs.push_back(outputs.size() == 1 ? detach(h) : h);
        }
        return {stack(outputs), h, {}};
    }
    std::pair<D, D> step(const D& x, const D& h) const {
        const D next = tanh(matmul(x, U) + matmul(h, W));
        return {next, next};
    }
    ParameterList<double> parameters() { return parameter_list(U, W); }
};

}  // namespace

TEST_CASE("verify_bptt: a loss may use the parameters of the cell") {
    nn::ElmanCell<double> cell = elman();
    const Tensor<double> targets = Random(5).tensor({5, 2, H});
    const auto with_decay = [&](const auto& y) {
        return sum(square(y - targets)) + 0.3 * sum(square(cell.W));
    };
    const auto tied = [&](const auto& y) { return sum(square(matmul(y, transpose(input(cell.U))))); };
    check_passes(nn::verify_bptt(cell, sequence(5, 2), with_decay));
    check_passes(nn::verify_bptt(cell, sequence(5, 2), tied));
    // Several elements have random weights, the same in each way.
    check_passes(
        nn::verify_bptt(cell, sequence(5, 2), [&](const auto& y) { return matmul(y, input(cell.W)); }));
    check_fails(nn::verify_bptt(cell, sequence(5, 2),
                                [&](const auto& y) { return sum(y) + sum(wrong_square(input(cell.W))); }),
                "the loss differentiates wrongly");
}

TEST_CASE("verify_bptt: the gradient of a loss of one element is shown as it is") {
    nn::ElmanCell<double> cell = elman();
    const auto loss = [](const auto& y) { return sum(square(y)); };
    const nn::BpttReport report =
        nn::verify_bptt(cell, sequence(4, 2), loss, {.zeros_moved_by = 0, .random_initial_state = false});
    const Tape<double> tape;
    const Gradients<double> expected = gradient(loss(nn::unroll(cell, sequence(4, 2)).outputs), {cell.W});
    CHECK(largest_by(report, "W") == doctest::Approx(nn::detail::largest_of(expected.at(0))));
    for (const nn::BpttWay& way : report.ways)
        if (!way.totals.empty())
            CHECK(way.totals[1].largest == doctest::Approx(nn::detail::largest_of(expected.at(0))));
}

TEST_CASE("verify_bptt: a cell that derives from one of the library has no closed form by that") {
    const auto ways = [](const nn::BpttReport& report) {
        check_passes(report);
        return report.ways.size();
    };
    CHECK(ways(nn::verify_bptt(elman(), sequence(4, 2))) == 3);
    CHECK(ways(nn::verify_bptt(LearntStart(), sequence(4, 2))) == 2);
    CHECK(ways(nn::verify_bptt(Halved(), sequence(4, 2))) == 2);
}

TEST_CASE("verify_bptt: a cell without parameters") {
    check_passes(nn::verify_bptt(Leaky(), sequence(4, 2)));
    check_fails(nn::verify_bptt(Leaky(), sequence(4, 2), [](const auto& y) { return sum(wrong_square(y)); }),
                "the loss differentiates wrongly");
}

TEST_CASE("verify_bptt: parameters that are called x and state") {
    const nn::BpttReport report = nn::verify_bptt(OddNames(), sequence(4, 2));
    check_passes(report);
    CHECK(largest_by(report, "parameter x") != largest_by(report, "x"));
    CHECK(largest_by(report, "parameter state") != largest_by(report, "state"));
}

TEST_CASE("verify_bptt: what one time step does not contribute is told as such") {
    const nn::BpttReport report = nn::verify_bptt(ForgetsAStep(), sequence(4, 2));
    CHECK_FALSE(report.passed());
    REQUIRE(report.details.has_value());
    for (const Finding& finding : report.details->findings)
        CHECK_MESSAGE(finding.diagnosis == Diagnosis::time_step_missing, report.text());
}
