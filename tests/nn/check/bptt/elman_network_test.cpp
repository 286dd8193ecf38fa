#include <tests/expect.hpp>

#include <autograd/custom.hpp>
#include <autograd/gradient.hpp>
#include <nn/check/bptt/verify_bptt.hpp>
#include <nn/closed_form/elman.hpp>
#include <nn/closed_form/elman_network.hpp>
#include <nn/generator.hpp>
#include <nn/losses/losses.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Activation;
using nn::Targets;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 5;
constexpr std::size_t O = 4;

Targets random_targets(Random& random, std::size_t T, std::size_t B) {
    Targets targets = Targets::from_shape({T, B});
    for (std::ptrdiff_t& target : targets) target = static_cast<std::ptrdiff_t>(random.below(O));
    return targets;
}

using Network = nn::ElmanNetwork<double>;

Network network_of(nn::Generator& generator, Activation activation) {
    return {nn::ElmanCell<double>(I, H, generator, {activation}), nn::Linear<double>(H, O, generator)};
}

/// A network and a sequence.
struct Setting {
    nn::Generator generator{3};
    Random random{"cross check"};
    Network network;
    Tensor<double> x;
    Targets targets;

    Setting(std::size_t T, std::size_t B, Activation activation = Activation::tanh)
        : network(network_of(generator, activation)),
          x(random.tensor({T, B, I}, -2, 2)),
          targets(random_targets(random, T, B)) {
        network.cell.b.assign(random.tensor({H}));
        network.output.c.assign(random.tensor({O}));
    }
    template <class Cell>
    nn::BpttReport check_as(Cell&& cell, const nn::BpttOptions& options = {}) const {
        return nn::verify_bptt(
            cell, x, [&](const auto& outputs) { return nn::softmax_cross_entropy(outputs, targets); },
            options);
    }
    nn::BpttReport check(const nn::BpttOptions& options = {}) { return check_as(network, options); }
    /// Differentiates by the closed form of the loss as well.
    nn::closed_form::ElmanBptt<double> closed_form() const {
        const auto& [cell, output] = network;
        return nn::closed_form::elman_bptt<double>({cell.U.value(), cell.W.value(), cell.b.value(),
                                                    output.V.value(), output.c.value(), cell.activation},
                                                   x, targets, filled({x.shape(1), H}, 0));
    }
};

std::vector<std::string> names_of(const std::vector<nn::Deviation>& deviations) {
    std::vector<std::string> names;
    for (const nn::Deviation& deviation : deviations) names.push_back(deviation.name);
    return names;
}

const nn::BpttWay& way(const nn::BpttReport& report, const std::string& name) {
    for (const nn::BpttWay& one : report.ways)
        if (one.name == name) return one;
    throw std::invalid_argument(name);
}

const auto wrong_product = custom(
    "wrong_product", [](const auto& h, const auto& W) { return matmul(h, W); },
    [](const auto& g, const auto&, const auto&, const auto& W) { return matmul(g, W); },  // W' it should be
    [](const auto& g, const auto&, const auto& h, const auto&) {
        return matmul(h, g, {.a = true, .b = false});
    });

/// The Elman network, but for a product whose gradient by h has W where W' belongs.
struct WrongNetwork {
    Network& right;
    Var<double> initial_state(std::size_t batch) const { return right.initial_state(batch); }
    Var<double> project(const Var<double>& x) const { return right.project(x); }
    auto step(const Var<double>& u, const Var<double>& h) const {
        const Var<double> next = tanh(wrong_product(h, right.cell.W) + u);
        return std::pair{right.output(next), next};
    }
    ParameterList<double> parameters() { return right.parameters(); }
};

std::vector<nn::StepTerms<double>> closed_form_bptt(const WrongNetwork& network,
                                                    const nn::CellSequence<double>& run) {
    return nn::closed_form_bptt(network.right, run);
}

/// Long sequences by random directions.
nn::BpttOptions affordable(std::size_t T) {
    nn::BpttOptions options;
    options.exact_limit = 1e-12;
    options.gradient.full_limit = 200;
    if (T > 10) options.step_elements = 4;
    return options;
}

const std::vector<std::string> inputs{"U", "W", "b", "V", "c", "x", "state"};

}  // namespace

TEST_CASE("elman network: tape, closed form and differences agree for short and long sequences") {
    for (Activation activation : {Activation::tanh, Activation::relu})
        for (std::size_t T : {1U, 2U, 3U, 7U, 50U, 200U})
            for (std::size_t B : {1U, 5U}) {
                CAPTURE(T);
                CAPTURE(B);
                const nn::BpttReport report = Setting(T, B, activation).check(affordable(T));
                CHECK_MESSAGE(report.passed(), report.text());
                const nn::BpttWay& closed_form = way(report, "closed form");
                CHECK(closed_form.totals_agree());
                CHECK(closed_form.steps_agree());
                CHECK(names_of(closed_form.totals) == inputs);
                REQUIRE(closed_form.time_steps.size() == T);
                for (const nn::StepCheck& step : closed_form.time_steps) {
                    CHECK(step.verdict == nn::StepVerdict::right);
                    CHECK(names_of(step.deviations) == inputs);
                }
                for (const nn::Deviation& deviation : closed_form.totals) {
                    CHECK(deviation.largest > 0);
                    CHECK(deviation.compared == deviation.shape.size());
                }
                REQUIRE(report.differences.inputs.size() == inputs.size());
                for (std::size_t k = 0; k < inputs.size(); ++k) {
                    const CheckedInput& input = report.differences.inputs[k];
                    CHECK(input.name == inputs[k]);
                    CHECK((input.compared == input.shape.size() || input.directions == 8));
                    CHECK(input.worst_direction < 1e-5);
                }
            }
}

TEST_CASE("elman network: the closed form of the loss gives what the tape and the report do") {
    Setting setting(7, 2, Activation::sigmoid);
    const nn::closed_form::ElmanBptt<double> bptt = setting.closed_form();
    const nn::BpttReport report = setting.check({.zeros_moved_by = 0, .random_initial_state = false});
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.loss.value() == doctest::Approx(bptt.loss).epsilon(1e-12));
    const Tape<double> tape;
    const auto unrolled = nn::unroll(setting.network, setting.x);
    const auto& [cell, output] = setting.network;
    const Gradients<double> g = gradient(nn::softmax_cross_entropy(unrolled.outputs, setting.targets),
                                         {cell.U, cell.W, cell.b, output.V, output.c});
    const auto& [U, W, b, V, c] = bptt.total;
    const std::vector<const Tensor<double>*> totals{&U, &W, &b, &V, &c};
    for (std::size_t k = 0; k < totals.size(); ++k)
        CHECK(nn::detail::largest_deviation(inputs[k], g.at(k), *totals[k]).relative < 1e-12);
}

TEST_CASE("elman network: one of float is verified in double") {
    Setting setting(7, 2);
    for (const auto& entry : setting.network.parameters())
        entry.parameter->assign(rounded<double>(rounded<float>(entry.parameter->value())));
    const auto narrow = [](const Parameter<double>& p) { return rounded<float>(p.value()); };
    const auto& [cell, output] = setting.network;
    const nn::ElmanNetwork<float> in_float(
        nn::ElmanCell<float>(narrow(cell.U), narrow(cell.W), narrow(cell.b)),
        nn::Linear<float>(narrow(output.V), narrow(output.c)));
    const nn::BpttReport report = setting.check_as(Network(in_float));
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.in_double);
    CHECK(report.loss == setting.check().loss);
}

TEST_CASE("elman network: is left as it was") {
    Setting setting(3, 2);
    const Tensor<double> U = setting.network.cell.U.value();
    setting.check();
    check_same_bits(setting.network.cell.U.value(), U);
    CHECK(setting.network.cell.U.storage()->version == 0);
}

TEST_CASE("elman network: the options limit what is compared") {
    nn::BpttOptions few;
    few.step_elements = 4;
    few.forward_limit = 0;
    few.gradient.full_limit = 10;
    few.gradient.directions = 3;
    const nn::BpttReport report = Setting(3, 2).check(few);
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.warnings.empty());
    CHECK(way(report, "forward mode").totals.empty());
    for (const nn::StepCheck& step : way(report, "differences").time_steps)
        for (const nn::Deviation& deviation : step.deviations) CHECK(deviation.compared == 4);
    for (const CheckedInput& input : report.differences.inputs)
        CHECK(input.directions == (input.shape.size() > 10 ? 3 : 0));
    CHECK(contains(report.text(), "(3 dir.)"));
    CHECK(way(Setting(3, 2).check({.difference_limit = 1e-3}), "differences").limit == 1e-3);
    CHECK(!Setting(7, 2).check({.exact_limit = 1e-30}).passed());
}

TEST_CASE("elman network: the report names sizes, loss and limits") {
    const std::string text = Setting(8, 2).check().text();
    CHECK(text.starts_with("BPTT check passed: 8 time steps, batch of 2, J = "));
    for (const char* part :
         {"U [3, 5]", "W [5, 5]", "b [5]", "V [5, 4]", "c [4]", "x [8, 2, 3]", "state [2, 5]", "forward mode",
          "closed form", "differences", "each time step by itself", "limits, relative to the largest"})
        CHECK_MESSAGE(contains(text, part), text);
    CHECK(!contains(text, "FAILED"));
}

TEST_CASE("elman network: a planted mistake is named with parameter, element and time step") {
    constexpr std::size_t T = 5;
    Setting setting(T, 2);
    const nn::BpttReport report = setting.check_as(WrongNetwork{setting.network});
    CHECK(!report.passed());
    const std::string text = report.text();
    CHECK_MESSAGE(contains(text, "FAILED"), text);
    REQUIRE(report.first_divergence.has_value());
    CHECK(report.first_divergence->time_step == T - 1);
    CHECK(report.first_divergence->deviation.name == "state");
    CHECK(contains(text, "first divergence: t=4, state, row "));
    for (std::size_t t = 0; t < T; ++t) CHECK(report.verdict_of(t) == nn::StepVerdict::wrong);
    // W at the place of W' reaches all but the output layer, and dJ/dh(T), which does not come through W.
    const nn::BpttWay& closed_form = way(report, "closed form");
    for (const nn::Deviation& deviation : closed_form.totals) {
        CAPTURE(deviation.name);
        const bool is_of_output = deviation.name == "V" || deviation.name == "c";
        CHECK((deviation.relative <= closed_form.limit) == is_of_output);
    }
    for (const nn::Deviation& deviation : closed_form.time_steps[T - 1].deviations)
        CHECK((deviation.relative <= closed_form.limit) == (deviation.name != "state"));
}

TEST_CASE("deviation: the largest deviation, where it is and both values") {
    const Tensor<double> right = tensor({2, 3}, {1, -4, 0, 2, 3, 0.5});
    Tensor<double> wrong = right;
    CHECK(nn::detail::largest_deviation("W", right, wrong).relative == 0);
    wrong(0, 2) = 0.01;
    wrong(1, 1) = 3.2;
    const nn::Deviation deviation = nn::detail::largest_deviation("W", wrong, right);
    CHECK(deviation.name == "W");
    CHECK(deviation.at == std::vector<std::size_t>{1, 1});
    CHECK(deviation.tape == 3.2);
    CHECK(deviation.other == 3);
    CHECK(deviation.largest == 4);
    CHECK(deviation.relative == doctest::Approx(0.05));
    CHECK(deviation.compared == 6);

    for (double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        wrong(1, 2) = bad;
        CHECK(std::isinf(nn::detail::largest_deviation("W", wrong, right).relative));
        CHECK(std::isinf(nn::detail::largest_deviation("W", right, wrong).relative));
        CHECK(nn::detail::largest_deviation("W", right, wrong).at == std::vector<std::size_t>{1, 2});
    }
    CHECK(nn::detail::largest_deviation("W", filled({2}, 0), filled({2}, 0)).relative == 0);
    CHECK(
        text_of<std::invalid_argument>([&] {
            nn::detail::largest_deviation("W", right, filled({3, 2}, 0));
        }) ==
        "largest_deviation: the tape's gradient by W is [2, 3] and the other [3, 2]; they must have the same "
        "shape");
}

TEST_CASE("elman network: a NaN in the data is not passed over") {
    Setting setting(3, 2);
    setting.x(1, 0, 0) = std::numeric_limits<double>::quiet_NaN();
    const nn::BpttReport report = setting.check();
    CHECK(!report.passed());
    CHECK_MESSAGE(contains(report.text(), "not finite: nan at [1, 0, 0]"), report.text());
}

TEST_CASE("elman network: what does not fit is refused") {
    Setting setting(3, 2);
    const auto refused = [&](const Tensor<double>& x, const Targets& targets) {
        setting.x = x;
        setting.targets = targets;
        return text_of<std::invalid_argument>([&] { setting.check(); });
    };
    const Setting right = Setting(3, 2);
    CHECK(refused(filled({3, 2}, 1), right.targets) ==
          "verify_bptt: x is [3, 2]; it must be [T, B, I] with at least one element");
    CHECK(contains(refused(filled({0, 2, I}, 1), right.targets), "x is [0, 2, 3]"));
    CHECK(contains(refused(filled({3, 0, I}, 1), right.targets), "x is [3, 0, 3]"));
    CHECK(contains(refused(filled({4, 2, I}, 1), right.targets), "[3, 2]"));
    Targets outside = right.targets;
    outside(2, 1) = 4;
    CHECK(contains(refused(right.x, outside), "is 4;"));
}

TEST_CASE("elman_network_bptt: what does not fit is refused") {
    const Setting setting(3, 2);
    const auto& [cell, output] = setting.network;
    const auto refused = [&](const Shape& outputs, const Shape& final_state) {
        return text_of<std::invalid_argument>([&] {
            nn::closed_form::elman_network_bptt<double>(
                {cell.U.value(), cell.W.value(), cell.b.value(), output.V.value(), output.c.value()},
                setting.x, filled({2, H}, 0), filled(outputs, 0), filled(final_state, 0));
        });
    };
    CHECK(refused({3, 2, H}, {2, H}) ==
          "elman_network_bptt: outputs is [3, 2, 5]; with the other arguments it must be [3, 2, 4]");
    CHECK(refused({3, 2, O}, {1, H}) ==
          "elman_network_bptt: final_state is [1, 5]; with the other arguments it must be [2, 5]");
}
