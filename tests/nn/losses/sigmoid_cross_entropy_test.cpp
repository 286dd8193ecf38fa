#include <tests/nn/losses/loss.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/losses/sigmoid_cross_entropy.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Reduction;
using nn::sigmoid_cross_entropy;
using nn::SigmoidCrossEntropyOptions;

namespace {

Tensor<double> by_loops(const Tensors& x, const SigmoidCrossEntropyOptions& options) {
    const Shape shape = shape_of(x[0]);
    Tensor<double> losses = filled(shape, 0);
    Tensor<double> weights = filled(shape, 0);
    const auto& positive = options.positive_weights;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        if (!counts(i, shape, options.lengths)) continue;
        const double p = 1 / (1 + std::exp(-x[0].data()[i]));
        const double t = x[1].data()[i];
        const double w = positive.empty() ? 1 : positive[i % positive.size()];
        losses.data()[i] = -w * t * std::log(p) - (1 - t) * std::log(1 - p);
        weights.data()[i] = 1;
    }
    const bool has_time = shape.rank() > 2 || !options.lengths.empty();
    const double batch = shape.rank() == 0 ? 1 : static_cast<double>(shape[has_time ? 1 : 0]);
    return reduced_by_loops(losses, weights, options.reduction, std::max(batch, 1.0));
}

Row row_of(const SigmoidCrossEntropyOptions& options) {
    return row(
               "sigmoid_cross_entropy",
               [=](const auto& x) { return sigmoid_cross_entropy(x[0], x[1], options); },
               [=](const Tensors& x) { return by_loops(x, options); })
        .from({{-3, 3}, {0, 1}});
}

/// The loss of each logit and its gradient.
std::pair<Tensor<double>, Tensor<double>> at(const Tensor<double>& logits, const Tensor<double>& targets) {
    Tape<double> tape;
    const Var<double> x = input(logits);
    const Var<double> losses = sigmoid_cross_entropy(x, targets, {.reduction = Reduction::none});
    return {losses.value(), gradient(sum(losses), {x})[x]};
}

}  // namespace

TEST_CASE("sigmoid cross entropy: values, derivatives, masks and errors") {
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        rows.push_back(row_of({.reduction = reduction})
                           .of({{{4, 3, 2}, {4, 3, 2}}, {{5, 3}, {5, 3}}, {{4}, {4}}, {{}, {}}})
                           .rejects({{3, 1}, {3}}, {"[3, 1]", "[3]", "the same shape"}));
        rows.push_back(
            row_of({.reduction = reduction, .positive_weights = {3}}).of({{{5, 3}, {5, 3}}, {{}, {}}}));
        rows.push_back(row_of({.reduction = reduction, .positive_weights = {0.5, 0, 3}, .lengths = {2, 0}})
                           .of({{{4, 2, 3}, {4, 2, 3}}})
                           .rejects({{4, 2, 2}, {4, 2, 2}}, {"[4, 2, 2]", "3 positive weights"})
                           .rejects({{1, 2, 3}, {1, 2, 3}}, {"length of row 0 is 2"}));
        rows.push_back(row_of({.reduction = reduction, .lengths = {0, 0}}).of({{{3, 2}, {3, 2}}}));
    }
    check_rows(rows);
}

TEST_CASE("sigmoid cross entropy: what is behind the end of a row does not matter") {
    Random random("padding");
    const std::vector<std::size_t> lengths{3, 0, 4};
    for (Reduction reduction : all_reductions)
        check_padding(
            [&](const auto& x) {
                return sigmoid_cross_entropy(
                    x[0], x[1], {.reduction = reduction, .positive_weights = {2, 3}, .lengths = lengths});
            },
            {random.tensor({4, 3, 2}), random.tensor({4, 3, 2}, 0, 1)}, lengths);
}

TEST_CASE("sigmoid cross entropy: logits of any size have their limits, and keep their digits") {
    const Tensor<double> logits = vector({800, 800, -800, -800, 40, -40, infinity, -infinity, infinity});
    const auto [losses, slopes] = at(logits, vector({1, 0, 1, 0, 1, 0, 1, 0, 0}));
    const double tiny = std::exp(-40.0);
    check_same_bits(vector({losses[0], losses[3], losses[6], losses[7]}), vector({0, 0, 0, 0}));
    check_close(losses, vector({0, 800, 800, 0, tiny, tiny, 0, 0, infinity}), 1e-14);
    CHECK(losses[5] == doctest::Approx(tiny).epsilon(1e-12));
    CHECK(slopes[5] == doctest::Approx(tiny).epsilon(1e-12));
    CHECK(slopes[4] == doctest::Approx(-tiny).epsilon(1e-12));
    check_close(slopes, vector({0, 1, -1, 0, -tiny, tiny, 0, 0, 1}), 1e-14);
    const auto [loss, slope] = at(vector({not_a_number, 1}), vector({1, not_a_number}));
    CHECK(std::isnan(loss[0]));
    CHECK(std::isnan(loss[1]));
    CHECK(std::isnan(slope[0]));
}

TEST_CASE("sigmoid cross entropy: weights that are no weights are refused, and so is a mean of nothing") {
    const Tensor<double> x = filled({2}, 1);
    for (double weight : {-1.0, not_a_number, infinity})
        CHECK(contains(refusal([&] {
                           sigmoid_cross_entropy(x, x, {.positive_weights = {1, weight}});
                       }),
                       "positive weight 1 is"));
    CHECK(contains(refusal([] { sigmoid_cross_entropy(filled({0}, 1), filled({0}, 1)); }),
                   "logits are [0]; there is no mean of no elements (sigmoid_cross_entropy_test.cpp:"));
}

// LibTorch 1.13.1: binary_cross_entropy_with_logits.
TEST_CASE("sigmoid cross entropy: the numbers of LibTorch") {
    Tape<double> tape;
    const Var<double> x = input(waves({2, 3}, 0.5, 3));
    const Tensor<double> targets = each(waves({2, 3}, 2, 1), [](double t) { return (t + 1) / 2; });
    const Var<double> losses = sigmoid_cross_entropy(x, targets, {.reduction = Reduction::none});
    check_close(losses.value(),
                tensor({2, 3}, {0.278188722552895, 1.94004126994406, 0.354016975920621, 1.77735633019497,
                                0.604590845131217, 1.4169699316272}),
                1e-13);
    check_close(gradient(sum(losses), {x})[x],
                tensor({2, 3}, {-0.146461079764076, 0.683668517010649, -0.000902230964460821,
                                -0.733672707561611, 0.135202866610146, 0.714776871518846}),
                1e-12);
    const Var<double> J = sigmoid_cross_entropy(x, targets, {.positive_weights = {0.5, 1, 3}});
    CHECK(J.item() == doctest::Approx(0.986173183853538).epsilon(1e-14));
    check_close(gradient(J, {x})[x],
                tensor({2, 3}, {-0.00915072756452276, 0.113944752835108, -0.0337541288776965,
                                -0.0596621401674214, 0.0225338111016909, 0.114616645815469}),
                1e-12);
}
