#include <tests/nn/losses/loss.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/losses/ctc/ctc_loss.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::ctc_loss;
using nn::CtcOptions;
using nn::LabelSequences;
using nn::Reduction;

namespace {

using Labels = std::vector<std::ptrdiff_t>;

/// Returns what an alignment stands for: equal neighbours once, and no blanks.
Labels collapsed(const Labels& path, std::ptrdiff_t blank) {
    Labels labels;
    for (std::size_t t = 0; t < path.size(); ++t)
        if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
    return labels;
}

/// The loss of one row by going through all C^T alignments.
double loss_of_row(const Tensor<double>& logits, std::size_t row, std::size_t steps, const Labels& labels,
                   std::ptrdiff_t blank) {
    const std::size_t B = logits.shape()[1];
    const std::size_t C = logits.shape()[2];
    const auto p = [&](std::size_t t, std::ptrdiff_t c) {
        const double* scores = logits.data() + (t * B + row) * C;
        double sum = 0;
        for (std::size_t k = 0; k < C; ++k) sum += std::exp(scores[k]);
        return std::exp(scores[c]) / sum;
    };
    double total = 0;
    Labels path(steps, 0);
    while (true) {
        if (collapsed(path, blank) == labels) {
            double product = 1;
            for (std::size_t t = 0; t < steps; ++t) product *= p(t, path[t]);
            total += product;
        }
        std::size_t t = 0;
        while (t < steps && ++path[t] == static_cast<std::ptrdiff_t>(C)) path[t++] = 0;
        if (t == steps) return -std::log(total);
    }
}

Tensor<double> by_alignments(const Tensor<double>& logits, const LabelSequences& labels,
                             const CtcOptions& options) {
    Tensor<double> losses = filled({labels.size()}, 0);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        const std::size_t steps = options.lengths.empty() ? logits.shape()[0] : options.lengths[row];
        double& loss = losses.data()[row];
        loss = loss_of_row(logits, row, steps, labels[row], options.blank);
        if (options.zero_infinity && loss == infinity) loss = 0;
        if (options.reduction == Reduction::mean)
            loss /= static_cast<double>(std::max<std::size_t>(labels[row].size(), 1) * labels.size());
        if (options.reduction == Reduction::batch_mean) loss /= static_cast<double>(labels.size());
    }
    if (options.reduction == Reduction::none) return losses;
    double total = 0;
    for (double loss : losses) total += loss;
    return filled({}, total);
}

Row row_of(const LabelSequences& labels, const CtcOptions& options) {
    return row(
               "ctc_loss", [=](const auto& x) { return ctc_loss(x[0], labels, options); },
               [=](const Tensors& x) { return by_alignments(x[0], labels, options); })
        .within_ulps(64);
}

Tensor<double> losses_of(const Tensor<double>& logits, const LabelSequences& labels, CtcOptions options) {
    options.reduction = Reduction::none;
    Tape<double> tape;
    return ctc_loss(logits, labels, options).value();
}

Tensor<double> gradient_of(const Tensor<double>& logits, const LabelSequences& labels,
                           CtcOptions options = {}) {
    options.reduction = Reduction::sum;
    Tape<double> tape;
    const Var<double> x = input(logits);
    return gradient(ctc_loss(x, labels, options), {x})[x];
}

}  // namespace

TEST_CASE("ctc: values and derivatives of both orders are those of all alignments") {
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        rows.push_back(row_of({{1, 2}, {2, 2}}, {.reduction = reduction}).of({{{4, 2, 3}}}));
        rows.push_back(
            row_of({{1, 2, 1}, {2}, {}}, {.reduction = reduction, .lengths = {5, 2, 3}}).of({{{5, 3, 3}}}));
        rows.push_back(row_of({{0, 3}, {1, 1}}, {.reduction = reduction, .blank = 2, .lengths = {3, 4}})
                           .of({{{4, 2, 4}}}));
    }
    rows.push_back(row_of({{1, 1, 2}}, {.reduction = Reduction::none}).of({{{4, 1, 3}}, {{6, 1, 3}}}));
    rows.push_back(row_of({{}, {}}, {}).of({{{3, 2, 2}}, {{1, 2, 1}}}));
    rows.push_back(row_of({{1}}, {}).of({{{1, 1, 2}}}));
    check_rows(rows);
}

TEST_CASE("ctc: a row that no alignment fits has an infinite loss, or 0 if told so, and no gradient") {
    const Tensor<double> logits = Random("impossible").tensor({4, 3, 3});
    // Equal neighbours need a blank between them: {1, 1, 2} takes four steps.
    const LabelSequences labels{{1, 1, 2}, {1, 1, 2}, {2, 1}};
    const CtcOptions options{.reduction = Reduction::none, .lengths = {4, 3, 1}};
    const Tensor<double> losses = losses_of(logits, labels, options);
    CHECK(std::isfinite(losses[0]));
    CHECK(losses[1] == infinity);
    CHECK(losses[2] == infinity);
    CtcOptions zeroed = options;
    zeroed.zero_infinity = true;
    check_same_bits(losses_of(logits, labels, zeroed), vector({losses[0], 0, 0}));
    const Tensor<double> alone = gradient_of(logits, {labels[0], {}, {}}, {.lengths = {4, 0, 0}});
    for (const CtcOptions& each : {options, zeroed}) {
        check_same_bits(gradient_of(logits, labels, each), alone);
        const Tensors all =
            everything_of([&](const auto& x) { return ctc_loss(x[0], labels, each); }, {logits});
        check_close(all[2], all[1], 1e-13);
        for (std::size_t i = 0; i < all[3].size(); ++i) {
            CHECK(std::isfinite(all[3].data()[i]));
            if (i / 3 % 3 != 0) CHECK(all[3].data()[i] == 0);
        }
    }
}

TEST_CASE("ctc: rows without time steps, and batches without rows") {
    const Tensor<double> logits = filled({2, 3, 3}, 1);
    check_same_bits(losses_of(logits, {{}, {1}, {}}, {.lengths = {0, 0, 0}}), vector({0, infinity, 0}));
    check_same_bits(gradient_of(logits, {{}, {1}, {}}, {.lengths = {0, 0, 0}}), filled({2, 3, 3}, 0));
    check_same_bits(losses_of(filled({0, 2, 3}, 1), {{}, {1}}, {}), vector({0, infinity}));
    check_same_bits(gradient_of(filled({0, 2, 3}, 1), {{}, {}}), filled({0, 2, 3}, 0));
    const auto all = everything_of(
        [](const auto& x) {
            return ctc_loss(x[0], {{}, {}}, {.reduction = Reduction::none});
        },
        {filled({0, 2, 3}, 1)});
    CHECK(shape_of(all[3]) == Shape{0, 2, 3});
    Tape<double> tape;
    for (Reduction reduction : {Reduction::batch_mean, Reduction::mean, Reduction::sum})
        CHECK(ctc_loss(filled({2, 0, 3}, 1), {}, {.reduction = reduction}).item() == 0);
}

TEST_CASE("ctc: what is behind the end of a row does not matter") {
    const std::vector<std::size_t> lengths{3, 0, 4};
    for (Reduction reduction : all_reductions)
        check_padding(
            [&](const auto& x) {
                return ctc_loss(x[0], {{1}, {}, {2, 2}}, {.reduction = reduction, .lengths = lengths});
            },
            {Random("padding").tensor({4, 3, 3})}, lengths);
}

TEST_CASE("ctc: logits of 800 have their limits, and a NaN that counts reaches loss and gradient") {
    // The alignment 1, 0, 1 is certain, or as unlikely as logits can say.
    const Tensor<double> logits = tensor({3, 1, 2}, {-800, 800, 800, -800, -800, 800});
    check_same_bits(losses_of(logits, {{1, 1}}, {}), vector({0}));
    check_same_bits(gradient_of(logits, {{1, 1}}), filled({3, 1, 2}, 0));
    check_close(losses_of(-logits, {{1, 1}}, {}), vector({4800}), 1e-14);
    check_close(gradient_of(-logits, {{1, 1}}), tensor({3, 1, 2}, {1, -1, -1, 1, 1, -1}), 1e-14);
    // A class that cannot be.
    const Tensor<double> never = tensor({2, 1, 3}, {0, 0, -infinity, 0, 0, -infinity});
    check_close(losses_of(never, {{1}}, {}), vector({-std::log(0.75)}), 1e-14);
    CHECK(losses_of(never, {{2}}, {})[0] == infinity);
    check_same_bits(gradient_of(never, {{2}}), filled({2, 1, 3}, 0));

    Tensor<double> broken = filled({3, 2, 2}, 1);
    broken(1, 0, 0) = not_a_number;
    const Tensor<double> losses = losses_of(broken, {{1}, {1}}, {.zero_infinity = true});
    CHECK(std::isnan(losses[0]));
    CHECK(std::isfinite(losses[1]));
    CHECK(std::isnan(losses_of(filled({1, 1, 2}, not_a_number), {{1}}, {.zero_infinity = true})[0]));
    const Tensor<double> slope = gradient_of(broken, {{1}, {1}});
    CHECK(std::isnan(slope(0, 0, 1)));
    CHECK(std::isfinite(slope(0, 1, 1)));
}

TEST_CASE("ctc: in float over many time steps the gradient is that of double") {
    const Tensor<double> logits = as_double(rounded<float>(Random("long").tensor({400, 2, 6}, -4, 4)));
    LabelSequences labels(2);
    for (std::ptrdiff_t i = 0; i < 60; ++i) labels[0].push_back(1 + i * i % 5);
    labels[1] = {3, 3, 1};
    Tape<float> tape;
    const Var<float> x = input(rounded<float>(logits));
    const Var<float> J = ctc_loss(x, labels, {.reduction = Reduction::sum});
    check_close(as_double(gradient(J, {x})[x]), gradient_of(logits, labels), 1e-4);
}

TEST_CASE("ctc: labels, blanks and shapes that do not fit are refused") {
    const Tensor<double> logits = filled({3, 2, 4}, 0);
    const auto refused = [&](const LabelSequences& labels, const CtcOptions& options = {}) {
        return refusal([&] { ctc_loss(logits, labels, options); });
    };
    CHECK(refused({{1}, {2, 4}})
              .starts_with("ctc_loss: label 1 of row 1 is 4; logits are [3, 2, 4], so it "
                           "must be in 0..3 (ctc_loss_test.cpp:"));
    CHECK(contains(refused({{-1}, {}}), "label 0 of row 0 is -1"));
    CHECK(contains(refused({{1}, {0}}), "label 0 of row 1 is 0, the blank"));
    CHECK(contains(refused({{1}, {3}}, {.blank = 3}), "label 0 of row 1 is 3, the blank"));
    CHECK(contains(refused({{1}}), "logits are [3, 2, 4] and there are 1 rows of labels"));
    CHECK(contains(refused({{1}, {1}}, {.blank = 4}), "blank is 4 and logits are [3, 2, 4]"));
    CHECK(contains(refused({{1}, {1}}, {.blank = -1}), "blank is -1"));
    CHECK(contains(refused({{1}, {1}}, {.lengths = {3}}), "1 lengths for a batch of 2"));
    CHECK(contains(refused({{1}, {1}}, {.lengths = {3, 4}}), "the length of row 1 is 4"));
    CHECK(contains(refusal([] { ctc_loss(filled({3, 2}, 0), {{1}, {1}}); }), "logits are [3, 2]"));
}

// LibTorch 1.13.1: ctc_loss of log_softmax.
TEST_CASE("ctc: the numbers of LibTorch") {
    const Tensor<double> logits = waves({5, 3, 4}, 0.5, 2);
    const LabelSequences labels{{1, 2, 2}, {3, 1}, {}};
    const CtcOptions options{.lengths = {5, 4, 2}};
    check_close(losses_of(logits, labels, options),
                vector({8.3529272162478, 2.26290741440487, 2.46112999704175}), 1e-13);
    check_close(
        part_of(gradient_of(logits, labels, options), 0, 1, 1),
        tensor({1, 3, 4}, {0.0797148381823837, -0.00840775123153248, -0.487648511034851, 0.416341424083999,
                           0.0592616542565222, 0.0147916093209699, 0.0497297541863245, -0.123783017763817,
                           -0.880414525385726, 0.0145006415505076, 0.158877877122913, 0.707036006712305}),
        1e-12);
    Tape<double> tape;
    CHECK(ctc_loss(logits, labels, {.reduction = Reduction::mean, .lengths = {5, 4, 2}}).item() ==
          doctest::Approx(2.12563092544226).epsilon(1e-14));
    CHECK(ctc_loss(logits, {{1, 2, 2}, {0, 1}, {}},
                   {.reduction = Reduction::sum, .blank = 3, .lengths = {5, 4, 2}})
              .item() == doctest::Approx(12.2278063894048).epsilon(1e-14));
}
