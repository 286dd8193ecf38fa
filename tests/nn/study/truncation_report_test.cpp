#include <tests/expect.hpp>

#include <fmt/format.h>
#include <autograd/autograd.hpp>
#include <nn/nn.hpp>
#include <nn/study/truncation_report.hpp>

#include <cmath>
#include <cstdlib>

using namespace tapeloop;
using namespace tapeloop::test;

// Against brute force: for every loss and every k the sequence is recorded anew, with the state detached
// where the definition says.

namespace {

using D = Var<double>;
using Gradient = std::vector<Tensor<double>>;

constexpr std::size_t steps = 6;
constexpr std::size_t rows = 2;

Tensor<double> row_of(const Tensor<double>& x, std::size_t t) {
    return generate({x.shape(1), x.shape(2)}, [&](const Position& p) { return at(x, {t, p[0], p[1]}); });
}

void add_to(Gradient& sum, const Gradient& more) {
    if (sum.empty())
        sum = more;
    else
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += more[k];
}

/// The gradient of <weights at t, output at t> with the state cut before the time steps that `is_cut` names.
template <class C>
Gradient of_one_loss(C& cell, const Tensor<double>& x, const Tensor<double>& weights, std::size_t t,
                     const std::function<bool(std::size_t)>& is_cut) {
    const Tape<double> tape;
    auto state = cell.initial_state(x.shape(1));
    D output;
    for (std::size_t s = 0; s <= t; ++s) {
        if (is_cut(s)) state = nn::map_state([](const D& part) { return detach(part); }, state);
        auto [out, next] = nn::advance(cell, input(row_of(x, s)), state);
        output = out;
        state = std::move(next);
    }
    const Gradients<double> gradients = gradient(sum(output * row_of(weights, t)), cell.parameters());
    return {gradients.begin(), gradients.end()};
}

template <class C>
Gradient brute_force(C& cell, const Tensor<double>& x, const Tensor<double>& weights, std::size_t k,
                     nn::Truncation truncation) {
    Gradient sum;
    for (std::size_t t = 0; t < x.shape(0); ++t)
        add_to(sum, of_one_loss(cell, x, weights, t, [&](std::size_t s) {
                   return s > 0 && (truncation == nn::Truncation::window ? s + k == t + 1 : s % k == 0);
               }));
    return sum;
}

double norm(const Tensor<double>& x) { return std::sqrt(inner({x}, {x})); }

template <class C>
void check_against_brute_force(C cell, std::size_t units, nn::Truncation truncation) {
    Random random("truncation");
    const Tensor<double> x = random.tensor({steps, rows, 3}, -2, 2);
    const Tensor<double> weights = random.tensor({steps, rows, units});
    for (const auto& entry : cell.parameters())
        entry.parameter->assign(random.tensor(entry.parameter->shape(), -1.5, 1.5));
    const std::vector<std::size_t> ks{1, 2, 3, 4, 5, 6, 9};
    const auto loss = [&](const D& outputs) { return sum(outputs * weights); };
    const nn::TruncationReport report = nn::truncation_report(cell, x, loss, ks, {truncation});
    const auto parameters = cell.parameters();
    const Gradient full = brute_force(cell, x, weights, steps, nn::Truncation::window);
    double largest_difference = 0;
    for (std::size_t k : ks) {
        CAPTURE(k);
        const Gradient expected = brute_force(cell, x, weights, k, truncation);
        for (std::size_t p = 0; p < parameters.size(); ++p) {
            const nn::TruncatedGradient& entry = report.at(parameters[p].path, k);
            check_close(entry.gradient, expected[p], 1e-11);
            if (norm(full[p]) == 0) continue;
            CHECK(entry.norm == doctest::Approx(norm(expected[p])).epsilon(1e-9));
            CHECK(entry.ratio == doctest::Approx(norm(expected[p]) / norm(full[p])).epsilon(1e-9));
            CHECK(entry.cosine ==
                  doctest::Approx(inner({expected[p]}, {full[p]}) / (norm(expected[p]) * norm(full[p])))
                      .epsilon(1e-9));
            largest_difference = std::max(largest_difference, std::abs(entry.ratio - 1));
            if (k < steps) continue;
            check_same_bits(entry.gradient, report.full[p]);
            CHECK(entry.cosine == 1);
            CHECK(entry.ratio == 1);
        }
    }
    CHECK(largest_difference > 1e-3);
    const Tape<double> tape;
    const Gradients<double> by_unroll = gradient(sum(nn::unroll(cell, x).outputs * weights), parameters);
    for (std::size_t p = 0; p < parameters.size(); ++p) check_close(report.full[p], by_unroll.at(p), 1e-11);
}

/// An Elman cell whose initial state is learnt.
struct LearntStart : nn::ElmanCell<double> {
    Parameter<double> h0{"h0", Random(7).tensor({4})};

    using nn::ElmanCell<double>::ElmanCell;
    D initial_state(std::size_t batch) const { return broadcast_to(h0, {batch, 4}); }
    ParameterList<double> parameters() { return parameter_list(U, W, b, h0); }
};

nn::Generator& generator() {
    static nn::Generator one(5);
    return one;
}

}  // namespace

TEST_CASE("truncation_report: every k against recording anew with the state detached") {
    for (const auto truncation : {nn::Truncation::window, nn::Truncation::stretches}) {
        check_against_brute_force(nn::ElmanCell<double>(3, 4, generator()), 4, truncation);
        check_against_brute_force(LearntStart(3, 4, generator()), 4, truncation);
        check_against_brute_force(nn::LstmCell<double>(3, 4, generator()), 4, truncation);
        check_against_brute_force(nn::ResetBeforeGruCell<double>(3, 4, generator()), 4, truncation);
        // A part of the state that steps hand on as it is, and an output that is no part of it.
        check_against_brute_force(nn::AttentionCell(nn::GruCell<double>(5, 3, generator()),
                                                    nn::AdditiveAttention<double>(3, 2, 2, generator()), 2),
                                  5, truncation);
    }
}

TEST_CASE("truncation_report: a loss at the end alone owes nothing to the past when k is 1") {
    nn::ElmanCell<double> cell(2, 3, generator());
    const Tensor<double> x = Random(1).tensor({5, 2, 2});
    const auto last = [](const D& outputs) { return sum(square(slice(outputs, 0, 4, 5))); };
    const nn::TruncationReport report = nn::truncation_report(cell, x, last, {1, 5});
    const Tape<double> tape;
    const auto unrolled = nn::unroll(cell, x, {.trace = true});
    CHECK(report.loss == doctest::Approx(sum(square(unrolled.state)).item()));
    // One step from a state that is a constant.
    const D h = nn::advance(cell, input(row_of(x, 4)), input(unrolled.trace[3].value())).second;
    const Gradients<double> one_step = gradient(sum(square(h)), cell.parameters());
    check_close(report.at("W", 1).gradient, one_step[cell.W]);
    CHECK(report.at("W", 1).cosine < 1);
    CHECK(report.by_distance.size() == 5);
    CHECK(report.by_distance[0].at(1) == doctest::Approx(norm(one_step[cell.W])));
    CHECK(report.by_distance[4].at(0) > 0);
    CHECK(report.by_distance[4].at(1) == 0);  // h(0) is 0, and no use of W lies 4 steps back but at t=0
}

TEST_CASE("truncation_report: the table, the lines of numbers, and all parameters as one vector") {
    nn::LstmCell<float> cell(2, 3, generator());
    const Tensor<float> x = rounded<float>(Random(1).tensor({8, 2, 2}));
    const nn::TruncationReport report = nn::truncation_report(cell, x, {2, 8});
    CHECK(report.parameters == std::vector<std::string>{"U", "W", "b", "all"});
    double truncated = 0;
    double full = 0;
    for (std::size_t p = 0; p < 3; ++p) {
        truncated += std::pow(norm(report.entries[p].gradient), 2);
        full += std::pow(norm(report.full[p]), 2);
    }
    CHECK(report.at("all", 2).ratio == doctest::Approx(std::sqrt(truncated / full)));
    CHECK(report.at("all", 2).norm == doctest::Approx(std::sqrt(truncated)));
    CHECK(report.at("all", 8).ratio == 1);
    const double norm_of_all = report.at("all", 2).norm;
    CHECK(contains(report.text(), fmt::format(" {:.2e} ", norm_of_all)));
    for (const char* part : {"BPTT(k)", "T=8 B=2", "all", " 1.0000  1.0000"})
        CHECK_MESSAGE(contains(report.text(), part), report.text());
    CHECK(contains(report.csv(), "parameter,k,norm,cosine,ratio\nU,2,"));
    CHECK(contains(report.csv(), fmt::format("\nall,2,{:.17g},", norm_of_all)));
    CHECK(
        contains(nn::truncation_report(cell, x, {2}, {nn::Truncation::stretches}).text(), "stretches of k"));
    CHECK(contains(text_of<std::invalid_argument>([&] { static_cast<void>(report.at("V", 2)); }), "'V'"));
}

TEST_CASE("truncation_report: the random loss is of the environment's seed") {
    nn::ElmanCell<double> cell(2, 3, generator());
    const auto loss = [&] { return nn::truncation_report(cell, Random(1).tensor({3, 2, 2}), {1}).loss; };
    const char* const before = std::getenv("TAPELOOP_CHECK_SEED");
    const std::string kept = before != nullptr ? before : "";
    setenv("TAPELOOP_CHECK_SEED", "41", 1);
    const double first = loss();
    setenv("TAPELOOP_CHECK_SEED", "42", 1);
    CHECK(loss() != first);
    unsetenv("TAPELOOP_CHECK_SEED");
    if (before != nullptr) setenv("TAPELOOP_CHECK_SEED", kept.c_str(), 1);
}

TEST_CASE("truncation_report: what cannot be compared is refused with a reason") {
    nn::ElmanCell<double> cell(2, 3, generator());
    const Tensor<double> x = Random(1).tensor({3, 2, 2});
    const auto text = [&](const Tensor<double>& sequence, const std::vector<std::size_t>& k) {
        return text_of<std::invalid_argument>([&] { nn::truncation_report(cell, sequence, k); });
    };
    CHECK(contains(text(filled({3, 2}, 0), {1}), "x is [3, 2]"));
    CHECK(contains(text(filled({0, 2, 2}, 0), {1}), "x is [0, 2, 2]"));
    CHECK(contains(text(x, {}), "k is {}"));
    CHECK(contains(text(x, {2, 0}), "k is {2, 0}"));
    CHECK(contains(text_of<std::invalid_argument>([&] {
                       nn::truncation_report(cell, x, [](const D& outputs) { return outputs; }, {1});
                   }),
                   "one element"));
    nn::Bidirectional both(nn::ElmanCell<double>(2, 3, generator()),
                           nn::ElmanCell<double>(2, 3, generator()));
    CHECK(
        contains(text_of<std::logic_error>([&] { nn::truncation_report(both, x, {1}); }), "whole sequences"));
}
