#include <tests/expect.hpp>

#include <autograd/check/fault.hpp>
#include <autograd/custom.hpp>
#include <autograd/ops/index.hpp>
#include <nn/check/doctest.hpp>
#include <nn/nn.hpp>

#include <cstdlib>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t I = 3;
constexpr std::size_t H = 4;

Tensor<double> sequence(std::size_t T, std::size_t B, std::uint64_t seed = 7) {
    return Random(seed).tensor({T, B, I}, -1.5, 1.5);
}

std::uint64_t seed_count() {
    const char* given = std::getenv("TAPELOOP_CHECK_SEEDS");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 3;
}

/// The base of the wrong cells below: an Elman cell without `project`.
struct PlainCell {
    Parameter<double> U{"U", Random(1).tensor({I, H})};
    Parameter<double> W{"W", Random(2).tensor({H, H})};
    Parameter<double> b{"b", Random(3).tensor({H})};

    Var<double> initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    ParameterList<double> parameters() { return parameter_list(U, W, b); }
    Var<double> next(const Var<double>& x, const Var<double>& h) const {
        return tanh(matmul(x, U) + matmul(h, W) + b);
    }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> h_next = next(x, h);
        return std::pair{h_next, h_next};
    }
};

struct DetachingCell : PlainCell {
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> h_next = next(x, detach(h));
        return std::pair{h_next, h_next};
    }
};

/// The state is taken off the tape as it leaves the step; the output is not.
struct CuttingCell : PlainCell {
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> h_next = next(x, h);
        return std::pair{h_next, detach(h_next)};
    }
};

const auto product_without_transpose = custom(
    "product", [](const auto& h, const auto& W) { return matmul(h, W); },
    [](const auto& g, const auto&, const auto&, const auto& W) { return matmul(g, W); },
    [](const auto& g, const auto&, const auto& h, const auto&) {
        return matmul(h, g, {.a = true, .b = false});
    });

struct WrongProductCell : PlainCell {
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> h_next = tanh(matmul(x, U) + product_without_transpose(h, W) + b);
        return std::pair{h_next, h_next};
    }
};

const auto turned = custom(
    "turned", [](const auto& x) { return x * 1.0; },
    [](const auto& g, const auto&, const auto&) { return flip(g, 0); });

/// The rule of its input product has the time steps in the wrong order.
struct WrongOrderCell : PlainCell {
    Var<double> project(const Var<double>& x) const {
        const Var<double> u = affine(x, U, b);
        return x.shape().rank() == 3 ? turned(u) : u;
    }
    auto step(const Var<double>& u, const Var<double>& h) const {
        const Var<double> h_next = tanh(u + matmul(h, W));
        return std::pair{h_next, h_next};
    }
};

/// Reads a sequence by itself, and takes the state off the tape in front of t = 4.
struct TruncatingLayer : PlainCell {
    nn::Unrolled<double, Var<double>> unroll(const Var<double>& x, const Var<double>& state,
                                             const nn::UnrollOptions&) const {
        Var<double> h = state;
        std::vector<Var<double>> outputs;
        for (const Var<double>& at_t : unstack(x)) {
            if (outputs.size() == 4) h = detach(h);
            h = next(at_t, h);
            outputs.push_back(h);
        }
        return {stack(outputs), h, {}};
    }
};

/// Skips the input of t = 2 when it reads a sequence by itself.
struct OtherLayer : PlainCell {
    nn::Unrolled<double, Var<double>> unroll(const Var<double>& x, const Var<double>& state,
                                             const nn::UnrollOptions&) const {
        Var<double> h = state;
        std::vector<Var<double>> outputs;
        for (const Var<double>& at_t : unstack(x)) {
            h = next(outputs.size() == 2 ? 0.0 * at_t : at_t, h);
            outputs.push_back(h);
        }
        return {stack(outputs), h, {}};
    }
};

/// Adds what it remembers beside its state.
struct KeepingCell : PlainCell {
    mutable Tensor<double> kept;
    Var<double> initial_state(std::size_t batch) const {
        kept = nn::zeros<double>({batch, H});
        return PlainCell::initial_state(batch);
    }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> h_next = next(x, h) + 0.5 * input(kept);
        kept = h_next.value();
        return std::pair{h_next, h_next};
    }
};

const auto wrong_sigmoid = custom(
    "wrong_sigmoid", [](const auto& a) { return sigmoid(a); },
    [](const auto& g, const auto& y, const auto&) { return g * y; });  // (1 - y) is missing

/// An LSTM in plain operations; one of its gates has a wrong rule.
struct WrongGateCell {
    nn::LstmCell<double> right;
    std::size_t wrong_gate;

    auto initial_state(std::size_t batch) const { return right.initial_state(batch); }
    ParameterList<double> parameters() { return right.parameters(); }
    static constexpr auto gate_names() { return nn::LstmCell<double>::gate_names(); }
    auto step(const Var<double>& x, const std::array<Var<double>, 2>& state) const {
        const Var<double> a = affine(x, right.U, right.b) + matmul(state[0], right.W);
        const auto gate = [&](std::size_t k) {
            const Var<double> own =
                slice(a, 1, static_cast<std::ptrdiff_t>(k * H), static_cast<std::ptrdiff_t>((k + 1) * H));
            if (k == 2) return tanh(own);
            return k == wrong_gate ? wrong_sigmoid(own) : sigmoid(own);
        };
        const Var<double> c = gate(1) * state[1] + gate(0) * gate(2);
        const Var<double> h = gate(3) * tanh(c);
        return std::pair{h, std::array{h, c}};
    }
};

WrongGateCell lstm_with_wrong(std::size_t gate) {
    nn::Generator generator(1);
    return {nn::LstmCell<double>(I, H, generator), gate};
}

/// A cell of a user's, with a closed form of the user's; `factor` is 1 where it is right.
struct DecayCell {
    Parameter<double> rate{"rate", Random(4).tensor({I})};
    double factor = 1;
    Var<double> initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, I})); }
    ParameterList<double> parameters() { return parameter_list(rate); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = rate * h + x;
        return std::pair{next, next};
    }
};

std::vector<nn::StepTerms<double>> closed_form_bptt(const DecayCell& cell,
                                                    const nn::CellSequence<double>& run) {
    const std::size_t T = run.x.shape(0);
    const std::size_t B = run.x.shape(1);
    Tensors h{run.initial_state[0]};
    for (std::size_t t = 0; t < T; ++t)
        h.push_back(generate({B, I}, [&](const Position& i) {
            return at(cell.rate.value(), {i[1]}) * at(h[t], i) + at(run.x, {t, i[0], i[1]});
        }));
    std::vector<nn::StepTerms<double>> steps(T);
    Tensor<double> from_later = run.final_state[0];
    for (std::size_t t = T; t-- > 0;) {
        const Tensor<double> d = generate({B, I}, [&](const Position& i) {
            return at(from_later, i) + at(run.outputs, {t, i[0], i[1]});
        });
        steps[t].parameters = {generate({I}, [&](const Position& i) {
            double sum = 0;
            for (std::size_t row = 0; row < B; ++row) sum += at(d, {row, i[0]}) * at(h[t], {row, i[0]});
            return (t == 2 ? cell.factor : 1) * sum;
        })};
        steps[t].x = d;
        from_later =
            generate({B, I}, [&](const Position& i) { return at(d, i) * at(cell.rate.value(), {i[1]}); });
        steps[t].state = {from_later};
    }
    return steps;
}

const nn::BpttWay& way(const nn::BpttReport& report, const std::string& name) {
    for (const nn::BpttWay& one : report.ways)
        if (one.name == name) return one;
    FAIL("no way is called " << name);
    return report.ways.front();
}

std::vector<std::size_t> steps_found(const nn::BpttReport& report, nn::StepVerdict verdict) {
    std::vector<std::size_t> steps;
    for (std::size_t t = 0; t < report.time_steps; ++t)
        if (report.verdict_of(t) == verdict) steps.push_back(t);
    return steps;
}

using Steps = std::vector<std::size_t>;

/// That it fails, and where and in what it parts first.
void check_found(const nn::BpttReport& report, std::size_t t, const std::string& name,
                 const std::string& sentence) {
    INFO(report.text());
    CHECK_FALSE(report.passed());
    REQUIRE(report.first_divergence.has_value());
    CHECK(report.first_divergence->time_step == t);
    CHECK(report.first_divergence->deviation.name == name);
    CHECK(contains(report.text(), sentence));
    CHECK(contains(report.text(), "first divergence: t=" + std::to_string(t) + ", " + name));
}

void check_passes(const nn::BpttReport& report) { CHECK_MESSAGE(report.passed(), report.text()); }

}  // namespace

TEST_CASE("verify_bptt: no false alarm on the library's cells, for many seeds") {
    for (std::uint64_t seed = 1; seed <= seed_count(); ++seed) {
        CAPTURE(seed);
        nn::Generator generator(seed);
        const Tensor<double> x = sequence(4, 2, seed);
        const auto passes = [&](auto cell) { check_passes(nn::verify_bptt(cell, x, {.seed = seed})); };
        for (auto activation : {nn::Activation::tanh, nn::Activation::relu, nn::Activation::sigmoid})
            passes(nn::ElmanCell<double>(I, H, generator, {activation}));
        passes(nn::LstmCell<double>(I, H, generator));
        for (const auto& options :
             {nn::LstmVariantOptions{.peephole = true},
              nn::LstmVariantOptions{.coupled = true, .layer_norm = true},
              nn::LstmVariantOptions{.projection = 3, .projection_bias = true},
              nn::LstmVariantOptions{.gate_activation = nn::GateActivation::hard_sigmoid, .cell_clip = 0.5}})
            passes(nn::LstmVariantCell<double>(I, H, generator, options));
        for (auto update : {nn::Update::keeps, nn::Update::takes}) {
            passes(nn::GruCell<double>(I, H, generator, {.update = update}));
            passes(nn::ResetBeforeGruCell<double>(I, H, generator, {.update = update}));
            passes(nn::MinimalGruCell<double>(I, H, generator, {.update = update}));
        }
        passes(nn::Stack<double>(nn::LstmCell<double>(I, H, generator), nn::GruCell<double>(H, 2, generator),
                                 nn::Linear<double>(2, 3, generator)));
        passes(nn::Residual(nn::GruCell<double>(I, I, generator)));
        passes(PlainCell());
        passes(DecayCell());
    }
}

TEST_CASE("verify_bptt: the ways are independent of T and B, down to one step and one row") {
    nn::Generator generator(1);
    for (std::size_t T : {1U, 2U, 12U})
        for (std::size_t B : {1U, 3U}) {
            nn::LstmCell<double> cell(I, H, generator);
            const nn::BpttReport report = nn::verify_bptt(cell, sequence(T, B));
            check_passes(report);
            REQUIRE(report.ways.size() == 3);
            for (const nn::BpttWay& one : report.ways) CHECK(one.time_steps.size() == T);
            REQUIRE(way(report, "closed form").totals.size() == 6);
            for (const nn::Deviation& one : way(report, "forward mode").totals) {
                CHECK(one.compared == one.shape.size());
                CHECK(one.largest > 0);
            }
        }
}

TEST_CASE("verify_bptt: of 20 units over 10 steps every element is compared") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(20, 20, generator);
    const nn::BpttReport report = nn::verify_bptt(cell, Random(5).tensor({10, 2, 20}));
    check_passes(report);
    for (const CheckedInput& one : report.differences.inputs) CHECK(one.compared == one.shape.size());
    for (const nn::StepCheck& step : way(report, "differences").time_steps)
        for (const nn::Deviation& one : step.deviations) CHECK(one.compared == one.shape.size());
}

TEST_CASE("verify_bptt: takes a loss, of the outputs or of the final state as well") {
    nn::Generator generator(1);
    const Tensor<double> x = sequence(4, 2);
    nn::LstmCell<double> cell(I, H, generator);
    const Tensor<double> targets = Random(9).tensor({4, 2, H});
    check_passes(nn::verify_bptt(
        cell, x, [&](const auto& outputs) { return nn::mean_squared_error(outputs, targets); }));
    check_passes(nn::verify_bptt(cell, x, [&](const auto& outputs, const auto& final_state) {
        return sum(square(outputs)) + sum(final_state[1] * final_state[0]);
    }));
    // Its own rule is checked as well, and it is told from the cell's.
    const auto wrong_square = custom(
        "wrong_square", [](const auto& y) { return y * y; },
        [](const auto& g, const auto&, const auto& y) { return g * y; });
    const nn::BpttReport report =
        nn::verify_bptt(cell, x, [&](const auto& outputs) { return wrong_square(outputs); });
    CHECK_FALSE(report.passed());
    CHECK(contains(report.text(), "the loss differentiates wrongly"));
    CHECK(contains(report.text(), "wrong_square"));
}

TEST_CASE("verify_bptt: leaves the parameters as they were, their storage included") {
    PlainCell cell;
    const Tensor<double> before = cell.W.value();
    const auto storage = cell.W.storage();
    const std::uint64_t version = storage->version;
    nn::verify_bptt(cell, sequence(3, 2));
    CHECK(cell.W.storage() == storage);
    CHECK(storage->version == version);
    check_same_bits(cell.W.value(), before);

    const auto throwing = [](const Var<double>&) -> Var<double> { throw std::domain_error("mine"); };
    CHECK(text_of<std::domain_error>([&] { nn::verify_bptt(cell, sequence(3, 2), throwing); }) == "mine");
    CHECK(cell.W.storage() == storage);
}

TEST_CASE("verify_bptt: a parameter that two parts of a cell share is one") {
    struct Tied : PlainCell {
        ParameterList<double> parameters() { return parameter_list(U, W, W, b); }
    } cell;
    const nn::BpttReport report = nn::verify_bptt(cell, sequence(3, 2));
    check_passes(report);
    CHECK(report.differences.inputs.size() == 5);
}

TEST_CASE("verify_bptt: a state that is detached in every step") {
    const nn::BpttReport report = nn::verify_bptt(DetachingCell(), sequence(5, 2));
    check_found(report, 4, "state", "no gradient reaches the state that a step reads");
    CHECK(steps_found(report, nn::StepVerdict::wrong) == Steps{0, 1, 2, 3, 4});
    // Each contributes to its parameters what the cotangent that reaches it calls for.
    for (const nn::StepCheck& step : way(report, "differences").time_steps)
        for (std::size_t k = 0; k < 4; ++k) CHECK(step.deviations[k].relative < 1e-6);
    CHECK(way(report, "forward mode").totals_agree());
    CHECK(nn::verify_bptt(DetachingCell(), sequence(1, 2)).first_divergence->time_step == 0);
}

TEST_CASE("verify_bptt: a state that leaves the tape behind its step") {
    const nn::BpttReport report = nn::verify_bptt(CuttingCell(), sequence(5, 2));
    // At the end the cotangent of the final state is lost on every way to a parameter.
    check_found(report, 4, "U", "a single step differentiates wrongly");
}

TEST_CASE("verify_bptt: a product that hands back W where W' belongs") {
    const nn::BpttReport report = nn::verify_bptt(WrongProductCell(), sequence(5, 2));
    check_found(report, 4, "state", "a single step differentiates wrongly");
    CHECK(steps_found(report, nn::StepVerdict::wrong) == Steps{0, 1, 2, 3, 4});
    CHECK(report.first_divergence->way == "differences");
    CHECK(report.first_divergence->also.empty());
    CHECK(contains(report.text(), "the rule of product for its argument 0"));
}

TEST_CASE("verify_bptt: one gate with a wrong rule is named") {
    const auto names = nn::LstmCell<double>::gate_names();
    for (std::size_t gate : {0U, 1U, 3U}) {
        const nn::BpttReport report = nn::verify_bptt(lstm_with_wrong(gate), sequence(5, 2));
        check_found(report, 4, "U", "a single step differentiates wrongly");
        CHECK(report.first_divergence->gate == names[gate]);
        CHECK(contains(report.text(), "gate " + std::string(names[gate])));
    }
    check_passes(nn::verify_bptt(lstm_with_wrong(4), sequence(5, 2)));
}

TEST_CASE("verify_bptt: a rule that is wrong at a single time step") {
    nn::Generator generator(1);
    const Tensor<double> x = sequence(6, 2);
    const auto found = [&](auto cell, Fault fault) {
        fault.label = "t=3";
        const InjectedFault<double> injected(fault);
        nn::BpttReport report = nn::verify_bptt(cell, x);
        CHECK(injected.nodes() > 0);
        return report;
    };
    using Kind = Fault::Kind;
    const nn::BpttReport sign = found(PlainCell(), {Kind::flip_sign, "tanh"});
    check_found(sign, 3, "U", "the recursion over time is wrong");
    CHECK(steps_found(sign, nn::StepVerdict::wrong) == Steps{3});
    CHECK(steps_found(sign, nn::StepVerdict::inherits) == Steps{0, 1, 2});
    CHECK(contains(sign.text(), "reached by a wrong cotangent: t=0 to t=2"));

    const nn::BpttReport frozen = found(PlainCell(), {Kind::freeze, "tanh"});
    check_found(frozen, 3, "U", "the recursion over time is wrong");

    // Only the gradient of W suffers; nothing is handed back wrongly, and nobody inherits it.
    const nn::BpttReport weight = found(PlainCell(), {Kind::scale, "matmul", 1, {}, 1.001});
    check_found(weight, 3, "U", "the recursion over time is wrong");
    CHECK(weight.first_divergence->also == std::vector<std::string>{"W"});
    CHECK(steps_found(weight, nn::StepVerdict::wrong) == Steps{3});
    CHECK(steps_found(weight, nn::StepVerdict::inherits).empty());

    const nn::BpttReport lstm =
        found(nn::LstmCell<double>(I, H, generator), {Kind::scale, "matmul", 0, {}, 0.99});
    check_found(lstm, 3, "state[0]", "the recursion over time is wrong");
    CHECK_FALSE(way(lstm, "closed form").steps_agree());
}

TEST_CASE("verify_bptt: a mistake of a thousandth of a percent at one time step") {
    const Fault fault{Fault::Kind::scale, "tanh", {}, "t=2", 1.00001};
    const InjectedFault<double> injected(fault);
    check_found(nn::verify_bptt(PlainCell(), sequence(5, 2)), 2, "U", "recursion over time");
}

TEST_CASE("verify_bptt: time steps in the wrong order, in what is done to all at once") {
    const nn::BpttReport report = nn::verify_bptt(WrongOrderCell(), sequence(5, 2));
    check_found(report, 4, "x of the whole sequence", "every time step is right by itself");
    CHECK(steps_found(report, nn::StepVerdict::right).size() == 5);
    CHECK(report.details->has(Diagnosis::time_order));
}

TEST_CASE("verify_bptt: a layer that truncates in its own unroll") {
    const nn::BpttReport report = nn::verify_bptt(TruncatingLayer(), sequence(7, 2));
    check_found(report, 3, "x of the whole sequence", "every time step is right by itself");
    check_passes(nn::verify_bptt(TruncatingLayer(), sequence(4, 2)));
}

TEST_CASE("verify_bptt: something kept in the cell") {
    const nn::BpttReport report = nn::verify_bptt(KeepingCell(), sequence(4, 2));
    CHECK_FALSE(report.passed());
    CHECK(
        contains(report.text(), "t=1: a step from the state that the unroll had there gives something else"));
}

TEST_CASE("verify_bptt: a layer whose own unroll computes something else") {
    const nn::BpttReport report = nn::verify_bptt(OtherLayer(), sequence(4, 2));
    CHECK_FALSE(report.passed());
    CHECK(contains(report.text(), "t=2: the cell's own unroll"));
}

TEST_CASE("verify_bptt: where small changes grow fast over time, differences of single steps tell") {
    PlainCell cell;
    Tensor<double> W = cell.W.value();
    W *= 8;
    cell.W.assign(W);
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        check_passes(nn::verify_bptt(cell, sequence(40, 1, seed), {.seed = seed}));
}

TEST_CASE("verify_bptt: a closed form of the user's, right and wrong") {
    const nn::BpttReport right = nn::verify_bptt(DecayCell(), sequence(4, 2));
    check_passes(right);
    CHECK(way(right, "closed form").totals.size() == 3);
    DecayCell cell;
    cell.factor = 0.5;
    const nn::BpttReport report = nn::verify_bptt(cell, sequence(4, 2));
    check_found(report, 2, "rate", "the closed form is wrong");
    CHECK(steps_found(report, nn::StepVerdict::wrong) == Steps{2});
}

TEST_CASE("verify_bptt: a cell of float is verified in double, or in float with a warning") {
    nn::Generator generator(1);
    const Tensor<float> x = rounded<float>(sequence(4, 2));
    nn::LstmCell<float> cell(I, H, generator);
    const nn::BpttReport in_double = nn::verify_bptt(cell, x);
    check_passes(in_double);
    CHECK(in_double.in_double);
    CHECK(way(in_double, "closed form").limit < 1e-10);

    const auto loss = [](const auto& outputs) { return sum(square(outputs)); };
    const nn::BpttReport in_float = nn::verify_bptt(cell, x, loss);
    check_passes(in_float);
    CHECK_FALSE(in_float.in_double);
    CHECK(contains(in_float.text(), "warning: computed in float"));
    const InjectedFault<float> injected({Fault::Kind::scale, "matmul", 0, "t=2", 1.2});
    check_found(nn::verify_bptt(cell, x, loss), 2, "state[0]", "recursion over time");
}

TEST_CASE("verify_bptt: a large state leaves forward mode out, and says so") {
    nn::Generator generator(1);
    nn::LstmCell<double> cell(I, H, generator);
    const nn::BpttReport report = nn::verify_bptt(cell, sequence(4, 2), {.forward_limit = 100});
    check_passes(report);
    CHECK(way(report, "forward mode").totals.empty());
    CHECK(contains(report.text(), "warning: forward mode would carry"));
}

TEST_CASE("verify_bptt: the same seed gives the same report, another one another") {
    const auto text = [](std::uint64_t seed) {
        return nn::verify_bptt(WrongProductCell(), sequence(4, 2), {.seed = seed}).text();
    };
    CHECK(text(3) == text(3));
    CHECK(text(3) != text(4));
    CHECK(contains(text(3), "seed 3"));
}

TEST_CASE("verify_bptt: what is no sequence is refused") {
    const auto refused = [](const Shape& shape) {
        return text_of<std::invalid_argument>([&] { nn::verify_bptt(PlainCell(), Random(1).tensor(shape)); });
    };
    CHECK(refused({4, 2}) == "verify_bptt: x is [4, 2]; it must be [T, B, I] with at least one element");
    CHECK(contains(refused({0, 2, I}), "x is [0, 2, 3]"));
}

TEST_CASE("verify_bptt: the report is of bounded length") {
    const nn::BpttReport report = nn::verify_bptt(DetachingCell(), sequence(60, 1));
    CHECK(report.text().size() < 8000);
    CHECK(contains(report.text(), "wrong by themselves: t=0 to t=59"));
}

TEST_CASE("CHECK_BPTT: one line holds a cell's BPTT") {
    nn::Generator generator(1);
    nn::GruCell<double> cell(I, H, generator);
    const Tensor<double> x = sequence(3, 2);
    CHECK_BPTT(cell, x);
    CHECK_BPTT(cell, x, {.seed = 5});
    REQUIRE_BPTT(cell, x, [](const auto& outputs) { return sum(square(outputs)); });
    const nn::BpttReport report = nn::verify_bptt(DetachingCell(), x, {.seed = 12});
    const std::string text =
        tapeloop::detail::failure_text(report, "verify_bptt(cell, x)", tapeloop::detail::doctest_filter());
    for (const char* part : {"verify_bptt(cell, x)\nBPTT check FAILED", "first divergence: t=2",
                             "TAPELOOP_CHECK_SEED=12", "--test-case='CHECK_BPTT: one line"})
        CHECK_MESSAGE(contains(text, part), text);
}
