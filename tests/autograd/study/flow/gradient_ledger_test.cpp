#include <tests/expect.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/flow/gradient_ledger.hpp>
#include <autograd/study/flow/gradient_norms.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/gru_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>
#include <nn/generator.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 5;
constexpr std::size_t B = 3;
constexpr std::size_t I = 2;
constexpr std::size_t H = 4;

/// Loss t is a random linear function of what the network puts out at t, squared.
struct Task {
    Tensor<double> x;
    Tensor<double> weights;

    explicit Task(std::string_view seed) {
        Random random(seed);
        x = random.tensor({T, B, I});
        weights = random.tensor({T, B, H});
    }
    /// [T, B]
    Var<double> losses(const Var<double>& outputs) const { return square(sum(outputs * weights, -1)); }
    Tensor<double> step_of(const Tensor<double>& all, std::size_t t) const {
        Tensor<double> part = tapeloop::detail::uninitialised<double>({all.shape(1), all.shape(2)});
        std::copy_n(all.data() + t * part.size(), part.size(), part.data());
        return part;
    }
};

/// Not zeros, or the first use of W would contribute nothing.
template <class C>
auto first_state(const C& cell) {
    return nn::map_state([](const auto& part) { return input(filled(part.shape(), 0.3)); },
                         cell.initial_state(B));
}

/// Makes the same network with a cell of its own for every step, all with the same weights: the gradient of
/// loss t alone by the copy at k is the entry (t, k).
template <class C, class Make>
std::vector<Tensor<double>> untied_entries(const Make& make, const Task& task, std::size_t parameter,
                                           bool reverse = false) {
    std::vector<C> cells;
    for (std::size_t k = 0; k < T; ++k) cells.push_back(make());
    std::vector<Tensor<double>> entries(T * T);
    for (std::size_t t = 0; t < T; ++t) {
        Tape<double> tape;
        auto state = first_state(cells[0]);
        std::vector<Var<double>> outputs(T);
        for (std::size_t i = 0; i < T; ++i) {
            const std::size_t k = reverse ? T - 1 - i : i;
            auto [output, next] = nn::advance(cells[k], input(task.step_of(task.x, k)), state);
            outputs[k] = output;
            state = next;
        }
        const Var<double> loss = sum(square(sum(outputs[t] * task.step_of(task.weights, t), -1)));
        for (std::size_t k = 0; k < T; ++k)
            entries[t * T + k] = gradient(loss, {*cells[k].parameters()[parameter].parameter}).at(0);
    }
    return entries;
}

double frobenius(const Tensor<double>& x) {
    double sum = 0;
    for (double element : x) sum += element * element;
    return std::sqrt(sum);
}

Tensor<double> sum_of(const GradientLedger& ledger) {
    Tensor<double> sum = filled(shape_of(ledger.gradient), 0);
    for (const Tensor<double>& entry : ledger.entries)
        if (entry.size() == sum.size()) sum = each(sum, entry, [](double a, double b) { return a + b; });
    return sum;
}

template <class C, class Make>
void check_against_untied(const Make& make, std::string_view seed, bool reverse = false) {
    const Task task(seed);
    C cell = make();
    for (std::size_t p = 0; p < cell.parameters().size(); ++p) {
        const Parameter<double>& parameter = *cell.parameters()[p].parameter;
        CAPTURE(parameter.name());
        const std::vector<Tensor<double>> expected = untied_entries<C>(make, task, p, reverse);
        Tape<double> tape;
        const Var<double> outputs =
            nn::unroll(cell, task.x, first_state(cell), {.hoist = false, .reverse = reverse}).outputs;
        const GradientLedger ledger =
            gradient_ledger(task.losses(outputs), parameter, {.keep_entries = true});
        REQUIRE(ledger.uses.size() == T);
        REQUIRE(ledger.losses.size() == T);
        for (std::size_t t = 0; t < T; ++t)
            for (std::size_t k = 0; k < T; ++k) {
                CAPTURE(t);
                CAPTURE(k);
                CHECK(ledger.uses[k].time_step == k);
                CHECK(ledger.norms(t, k) == doctest::Approx(frobenius(expected[t * T + k])).epsilon(1e-11));
                const bool is_later = reverse ? k < t : k > t;
                CHECK((ledger.norms(t, k) == 0) == is_later);
                if (!is_later) check_close(ledger.entry(t, k), expected[t * T + k], 1e-11);
            }
        check_close(sum_of(ledger), ledger.gradient);
        check_close(ledger.gradient, gradient(sum(task.losses(outputs)), {parameter}).at(0));
        CHECK(ledger.deviation < 1e-12);
    }
}

template <class C>
auto maker(std::uint64_t seed) {
    return [seed] {
        nn::Generator generator(seed);
        C cell(I, H, generator);
        // Biases start at zero; a ledger of a symmetric point hides mistakes.
        Random random("biases");
        for (const auto& entry : cell.parameters())
            if (entry.parameter->shape().rank() == 1)
                entry.parameter->assign(random.tensor(entry.parameter->shape()));
        return cell;
    };
}

/// A cell that uses W twice in a step.
struct TwiceCell {
    Parameter<double> W;

    Var<double> initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(matmul(h, W) + matmul(x, W));
        return std::pair{next, next};
    }
};

/// Makes the same network with a weight for each use.
struct OnceCell {
    Parameter<double> W;
    Parameter<double> U;

    Var<double> initial_state(std::size_t batch) const { return input(nn::zeros<double>({batch, H})); }
    auto step(const Var<double>& x, const Var<double>& h) const {
        const Var<double> next = tanh(matmul(h, W) + matmul(x, U));
        return std::pair{next, next};
    }
};

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("gradient ledger: every pair equals the gradient of one loss by one untied copy") {
    SUBCASE("Elman") { check_against_untied<nn::ElmanCell<double>>(maker<nn::ElmanCell<double>>(1), "a"); }
    SUBCASE("LSTM") { check_against_untied<nn::LstmCell<double>>(maker<nn::LstmCell<double>>(2), "b"); }
    SUBCASE("GRU, whose map reads a bias") {
        check_against_untied<nn::GruCell<double>>(maker<nn::GruCell<double>>(3), "c");
    }
    SUBCASE("GRU with the reset before") {
        check_against_untied<nn::ResetBeforeGruCell<double>>(maker<nn::ResetBeforeGruCell<double>>(4), "d");
    }
    SUBCASE("LSTM with peepholes, whose map has two results and reads them") {
        const auto make = [] {
            nn::Generator generator(13);
            nn::LstmVariantCell<double> cell(I, H, generator, {.peephole = true});
            cell.p.assign(Random("peepholes").tensor(cell.p.shape()));
            return cell;
        };
        check_against_untied<nn::LstmVariantCell<double>>(make, "f");
    }
    SUBCASE("in reverse") {
        check_against_untied<nn::LstmCell<double>>(maker<nn::LstmCell<double>>(5), "e", true);
    }
}

TEST_CASE("gradient ledger: several uses at one step are added") {
    Random random("twice");
    const Tensor<double> W = random.tensor({H, H});
    const Tensor<double> x = random.tensor({T, B, H});
    const Tensor<double> weights = random.tensor({T, B, H});
    const auto ledger_of = [&](const auto& cell, const Parameter<double>& parameter) {
        Tape<double> tape;
        const Var<double> outputs = nn::unroll(cell, x).outputs;
        return gradient_ledger(outputs * weights, parameter, {.keep_entries = true});
    };
    const TwiceCell twice{Parameter<double>("W", W)};
    const OnceCell once{Parameter<double>("W", W), Parameter<double>("U", W)};
    const GradientLedger both = ledger_of(twice, twice.W);
    const GradientLedger first = ledger_of(once, once.W);
    const GradientLedger second = ledger_of(once, once.U);
    REQUIRE(both.uses.size() == T);
    CHECK(both.uses[1].nodes.size() == 2);
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t k = 0; k <= t; ++k)
            check_close(both.entry(t, k), each(first.entry(t, k), second.entry(t, k),
                                               [](double a, double b) { return a + b; }));
}

TEST_CASE("gradient ledger: one product for all time steps is one use, and the text says so") {
    const Task task("hoisted");
    nn::LstmCell<double> cell = maker<nn::LstmCell<double>>(6)();
    Tape<double> tape;
    const Var<double> losses = task.losses(nn::unroll(cell, task.x).outputs);
    const GradientLedger of_U = gradient_ledger(losses, cell.U, {.keep_entries = true});
    REQUIRE(of_U.uses.size() == 1);
    CHECK(of_U.has_use_outside_time());
    CHECK(!of_U.uses[0].time_step.has_value());
    CHECK(of_U.by_distance().empty());
    CHECK(contains(of_U.text(), "if it is the product with the inputs"));
    CHECK(contains(of_U.text(), "hoist = false"));
    CHECK(contains(of_U.text(), "affine"));
    check_close(sum_of(of_U), of_U.gradient);
    for (std::size_t t = 0; t < T; ++t) CHECK(of_U.norms(t, 0) > 0);

    const GradientLedger of_W = gradient_ledger(losses, cell.W);
    CHECK(of_W.uses.size() == T);
    CHECK(!of_W.has_use_outside_time());
    CHECK(!contains(of_W.text(), "hoist"));
    CHECK(of_W.entries.empty());
}

TEST_CASE("gradient ledger: shares add up to one where norms do not") {
    const Task task("shares");
    nn::ElmanCell<double> cell = maker<nn::ElmanCell<double>>(7)();
    Tape<double> tape;
    const GradientLedger ledger =
        gradient_ledger(task.losses(nn::unroll(cell, task.x).outputs), cell.W, {.keep_entries = true});
    double shares = 0;
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t k = 0; k <= t; ++k) {
            shares += ledger.shares(t, k);
            const double along = inner({ledger.entry(t, k)}, {ledger.gradient});
            CHECK(ledger.shares(t, k) ==
                  doctest::Approx(along / inner({ledger.gradient}, {ledger.gradient})));
        }
    CHECK(shares == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("gradient ledger: a loss as a list of Vars gives the same as one with a time axis") {
    const Task task("list");
    nn::GruCell<double> cell = maker<nn::GruCell<double>>(8)();
    Tape<double> tape;
    const Var<double> losses = task.losses(nn::unroll(cell, task.x).outputs);
    const GradientLedger one = gradient_ledger(losses, cell.W);
    const GradientLedger list = gradient_ledger(unstack(losses), cell.W);
    check_close(list.norms, one.norms);
    check_close(list.gradient, one.gradient);
    CHECK(list.losses == one.losses);

    // Losses that are recorded in their time steps keep them.
    std::vector<Var<double>> late;
    const std::vector<Var<double>> all = unstack(losses);
    for (std::size_t t : {std::size_t(4), std::size_t(2)}) {
        const LabelScope<double> step(t);
        late.push_back(sum(all[t]));
    }
    const GradientLedger labelled = gradient_ledger(late, cell.W);
    CHECK(labelled.losses == std::vector<std::size_t>{4, 2});
    for (std::size_t k = 0; k < T; ++k) {
        CHECK(labelled.norms(0, k) == doctest::Approx(one.norms(4, k)));
        CHECK(labelled.norms(1, k) == doctest::Approx(one.norms(2, k)));
    }
}

TEST_CASE("gradient ledger: norms by distance, text and CSV") {
    const Task task("distance");
    nn::ElmanCell<double> cell = maker<nn::ElmanCell<double>>(9)();
    Tape<double> tape;
    const GradientLedger ledger = gradient_ledger(task.losses(nn::unroll(cell, task.x).outputs), cell.W);
    const std::vector<LedgerDistance> distances = ledger.by_distance();
    REQUIRE(distances.size() == T);
    for (std::size_t d = 0; d < T; ++d) {
        CHECK(distances[d].distance == static_cast<std::ptrdiff_t>(d));
        CHECK(distances[d].pairs == T - d);
        double sum = 0;
        double largest = 0;
        for (std::size_t k = 0; k + d < T; ++k) {
            sum += ledger.norms(k + d, k);
            largest = std::max(largest, ledger.norms(k + d, k));
        }
        CHECK(distances[d].mean == doctest::Approx(sum / static_cast<double>(T - d)));
        CHECK(distances[d].largest == largest);
    }
    // Read in reverse, a loss depends on the uses behind it.
    const Var<double> reversed = nn::unroll(cell, task.x, first_state(cell), {.reverse = true}).outputs;
    const std::vector<LedgerDistance> back = gradient_ledger(task.losses(reversed), cell.W).by_distance();
    REQUIRE(back.size() == T);
    CHECK(back.front().distance == 1 - static_cast<std::ptrdiff_t>(T));
    CHECK(back.back().distance == 0);
    CHECK(ledger.csv().rfind("loss,t=0,t=1,t=2,t=3,t=4\nt=0,", 0) == 0);
    CHECK(lines_of(ledger.csv()) == T + 1);
    CHECK(contains(ledger.csv(), fmt::format("{}", ledger.norms(3, 1))));
    CHECK(contains(ledger.shares_csv(), fmt::format("{}", ledger.shares(3, 1))));
    CHECK(contains(ledger.text(), fmt::format("{:.2e}", ledger.norms(4, 0))));
}

TEST_CASE("gradient ledger: in float, and where the gradient is zero") {
    nn::Generator generator(10);
    nn::LstmCell<float> cell(I, H, generator);
    Random random("float");
    const Tensor<float> x = rounded<float>(random.tensor({T, B, I}));
    Tape<float> tape;
    const Var<float> outputs = nn::unroll(cell, x).outputs;
    CHECK(gradient_ledger(square(outputs), cell.W).deviation < 1e-5);
    const GradientLedger nothing = gradient_ledger(outputs * 0, cell.W);
    for (double element : nothing.norms) CHECK(element == 0);
    for (double element : nothing.shares) CHECK(element == 0);
    CHECK(nothing.deviation == 0);
}

TEST_CASE("gradient ledger: of a gradient that is not finite the deviation is none either") {
    Parameter<double> W("W", filled({2}, 0.5));
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        CAPTURE(bad);
        Tape<double> tape;
        std::vector<Var<double>> losses;
        Var<double> h = input(filled({2}, bad));
        for (std::size_t t = 0; t < 3; ++t) {
            const LabelScope<double> step(t);
            h = h * W;
            losses.push_back(sum(h));
        }
        CHECK(std::isnan(gradient_ledger(losses, W).deviation));
    }
}

TEST_CASE("gradient ledger: shares of a gradient whose square is out of range, and one that cancels") {
    Parameter<double> W("W", filled({2}, 0.5));
    for (const double size : {1e-200, 1.0, 1e200}) {
        CAPTURE(size);
        Tape<double> tape;
        std::vector<Var<double>> losses;
        for (std::size_t t = 0; t < 2; ++t) {
            const LabelScope<double> step(t);
            losses.push_back(sum(W * (t == 0 ? 3 * size : size)));
        }
        const GradientLedger ledger = gradient_ledger(losses, W);
        CHECK(ledger.shares(0, 0) == doctest::Approx(0.75));
        CHECK(ledger.shares(1, 1) == doctest::Approx(0.25));
    }
    Tape<double> tape;
    const std::vector<double> factors{0.1, 0.2, -0.1 - 0.2};
    std::vector<Var<double>> losses;
    for (std::size_t t = 0; t < 3; ++t) {
        const LabelScope<double> step(t);
        losses.push_back(sum(W * factors[t]));
    }
    CHECK(gradient_ledger(losses, W).deviation < 1e-15);
}

TEST_CASE("gradient ledger: two loops under one label are two rows of uses") {
    const Task task("two loops");
    const auto cell = maker<nn::ElmanCell<double>>(12)();
    const auto make = maker<nn::ElmanCell<double>>(12);
    // The second sequence is the same network with weights of its own.
    const auto second = make();
    const auto both = [&](const auto& other) {
        const auto first = nn::unroll(cell, task.x, first_state(cell));
        return task.losses(nn::unroll(other, task.x, first.state).outputs);
    };
    Tape<double> tape;
    const GradientLedger ledger = gradient_ledger(both(cell), cell.W, {.keep_entries = true});
    REQUIRE(ledger.uses.size() == 2 * T);
    CHECK(ledger.by_distance().empty());
    CHECK(ledger.uses[T + 1].label() == "t=1 (loop 1)");
    CHECK(contains(ledger.csv(), ",t=4,t=0 (loop 1),"));
    CHECK(contains(ledger.text(), "several loops over time"));
    check_close(sum_of(ledger), ledger.gradient);

    Tape<double> apart;
    const Var<double> losses = both(second);
    const GradientLedger of_first = gradient_ledger(losses, cell.W, {.keep_entries = true});
    const GradientLedger of_second = gradient_ledger(losses, second.W, {.keep_entries = true});
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t k = 0; k < T; ++k) {
            CAPTURE(t);
            CAPTURE(k);
            CHECK(ledger.norms(t, k) == doctest::Approx(of_first.norms(t, k)));
            CHECK(ledger.norms(t, T + k) == doctest::Approx(of_second.norms(t, k)));
        }
}

TEST_CASE("gradient ledger: what it refuses") {
    nn::Generator generator(11);
    nn::ElmanCell<double> cell(I, H, generator);
    const Parameter<double> stranger("V", filled({2, 2}, 1));
    Tape<double> tape;
    const Var<double> outputs = nn::unroll(cell, filled({T, B, I}, 1)).outputs;
    const auto scalar = [&] { gradient_ledger(sum(outputs), cell.W); };
    CHECK(contains(text_of<std::invalid_argument>(scalar), "losses is []; its first axis must be time"));
    const auto none = [&] { gradient_ledger(std::vector<Var<double>>{}, cell.W); };
    CHECK(contains(text_of<std::invalid_argument>(none), "no losses given"));
    const auto unused = [&] { gradient_ledger(outputs, stranger); };
    CHECK(contains(text_of<std::invalid_argument>(unused), "parameter 'V' is no input"));
    Tape<double> other;
    const std::vector<Var<double>> apart{outputs, input(filled({1}, 1))};
    const auto mixed = [&] { gradient_ledger(apart, cell.W); };
    CHECK(contains(text_of<std::logic_error>(mixed), "different tapes"));
}

TEST_CASE("gradient norms: contributions of uses and cotangents of states") {
    const Task task("norms");
    const auto make = maker<nn::LstmCell<double>>(12);
    nn::LstmCell<double> cell = make();
    Tape<double> tape;
    const auto run = nn::unroll(cell, task.x, first_state(cell), {.hoist = false, .trace = true});
    const Var<double> J = sum(task.losses(run.outputs));
    const GradientNorms norms = gradient_norms(J, cell.parameters(), nn::states(run.trace));

    REQUIRE(norms.parameters.size() == 3);
    for (std::size_t p = 0; p < 3; ++p) {
        const std::vector<Tensor<double>> entries = untied_entries<nn::LstmCell<double>>(make, task, p);
        for (std::size_t k = 0; k < T; ++k) {
            Tensor<double> column = entries[k];
            for (std::size_t t = 1; t < T; ++t)
                column = each(column, entries[t * T + k], [](double a, double b) { return a + b; });
            CHECK(norms.parameters[p].norms[k] == doctest::Approx(frobenius(column)).epsilon(1e-11));
            CHECK(norms.parameters[p].labels[k] == fmt::format("t={}", k));
        }
        const Parameter<double>& parameter = *cell.parameters()[p].parameter;
        CHECK(norms.parameters[p].name == parameter.name());
        CHECK(norms.parameters[p].whole == doctest::Approx(frobenius(gradient(J, {parameter}).at(0))));
    }
    REQUIRE(norms.states.size() == 2);
    for (std::size_t t = 0; t < T; ++t)
        for (std::size_t part = 0; part < 2; ++part)
            CHECK(norms.states[part].norms[t] ==
                  doctest::Approx(frobenius(gradient(J, {run.trace[t][part]}).at(0))));
    CHECK(norms.states[0].labels[3] == "t=3");
    CHECK(lines_of(norms.csv()) == 1 + 3 * T + 2 * T);
    CHECK(contains(norms.csv(), fmt::format("parameter,W,t=2,{}\n", norms.parameters[1].norms[2])));
    CHECK(contains(norms.text(), "state 1"));
    const auto tensor = [&] { gradient_norms(run.outputs, cell.parameters()); };
    CHECK(contains(text_of<std::invalid_argument>(tensor), "it must have one element"));
}
