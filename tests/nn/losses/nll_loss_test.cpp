#include <tests/nn/losses/loss.hpp>

#include <autograd/ops/reduce.hpp>
#include <nn/losses/cross_entropy.hpp>
#include <nn/losses/nll_loss.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::nll_loss;
using nn::NllOptions;
using nn::Reduction;
using nn::Targets;

namespace {

Row row_of(const Targets& targets, const NllOptions& options) {
    return row(
        "nll_loss", [=](const auto& x) { return nll_loss(x[0], targets, options); },
        [=](const Tensors& x) {
            const Shape shape = Shape::of(targets.shape());
            Tensor<double> losses = filled(shape, 0);
            Tensor<double> weights = filled(shape, 0);
            for (std::size_t i = 0; i < targets.size(); ++i) {
                if (targets.data()[i] == options.ignore || !counts(i, shape, options.lengths)) continue;
                const auto own = static_cast<std::size_t>(targets.data()[i]);
                weights.data()[i] = options.weights.empty() ? 1 : options.weights[own];
                losses.data()[i] = -weights.data()[i] * x[0].data()[i * shape_of(x[0]).back() + own];
            }
            const double batch = static_cast<double>(shape[shape.rank() == 1 ? 0 : 1]);
            return reduced_by_loops(losses, weights, options.reduction, std::max(batch, 1.0));
        });
}

}  // namespace

TEST_CASE("nll loss: values, derivatives and masks") {
    const Targets targets{{0, 4, 1}, {2, 2, 2}, {4, 1, 0}, {3, 3, 2}};
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        rows.push_back(row_of(targets, {.reduction = reduction}).of({{{4, 3, 5}}}));
        rows.push_back(row_of(targets, {.reduction = reduction, .ignore = 2, .weights = {1, 2, 3, 0, 0.5}})
                           .of({{{4, 3, 5}}}));
        rows.push_back(row_of(targets, {.reduction = reduction, .lengths = {0, 4, 2}}).of({{{4, 3, 5}}}));
        rows.push_back(row_of(Targets{1, 0, 1}, {.reduction = reduction}).of({{{3, 2}}}));
        rows.push_back(row_of(Targets{1, 1}, {.reduction = reduction, .ignore = 1}).of({{{2, 2}}}));
        rows.push_back(row_of(Targets::from_shape({0, 2}), {.reduction = reduction}).of({{{0, 2, 3}}}));
    }
    check_rows(rows);
}

TEST_CASE("nll loss: what is behind the end of a row does not matter, nor its target") {
    const std::vector<std::size_t> lengths{3, 0, 4};
    const Targets targets{{0, 77, 1}, {1, -5, 0}, {1, 0, 0}, {-1, 2, 1}};
    for (Reduction reduction : all_reductions)
        check_padding(
            [&](const auto& x) {
                return nll_loss(x[0], targets,
                                {.reduction = reduction, .weights = {2, 3}, .lengths = lengths});
            },
            {Random("padding").tensor({4, 3, 2})}, lengths);
}

TEST_CASE("nll loss: of log_softmax it is the cross entropy, infinite where a class is impossible") {
    const Tensor<double> logits = tensor({3, 2}, {800, -800, 1, 2, 0, -infinity});
    const Targets targets{1, 0, 0};
    Tape<double> tape;
    const Var<double> x = input(logits);
    const auto losses = [&](const Targets& of) {
        return nll_loss(log_softmax(x), of, {.reduction = Reduction::none});
    };
    check_close(losses(targets).value(), vector({1600, std::log1p(std::exp(1.0)), 0}), 1e-14);
    CHECK(losses(Targets{1, 0, 1}).value()[2] == infinity);
    const auto by_nll = gradient(nll_loss(log_softmax(x), targets), {x})[x];
    check_close(by_nll, gradient(nn::softmax_cross_entropy(x, targets), {x})[x], 1e-14);
}

TEST_CASE("nll loss: targets and options that do not fit are refused") {
    const Tensor<double> rows = filled({3, 2, 5}, 0);
    const auto refused = [&](const Targets& targets, const NllOptions& options) {
        return refusal([&] { nll_loss(rows, targets, options); });
    };
    const Targets targets{{0, 4}, {1, 2}, {4, 1}};
    CHECK(refused(Targets{{0, 4}, {1, 5}, {4, 1}}, {})
              .starts_with("nll_loss: the target at [1, 1] is 5; log_probabilities are [3, 2, 5], so it must "
                           "be in 0..4 (nll_loss_test.cpp:"));
    CHECK(contains(refused(Targets{0, 1}, {}), "log_probabilities are [3, 2, 5] and targets [2]; "));
    CHECK(contains(refused(targets, {.weights = {1}}), "there are 1 weights; each class needs one"));
    CHECK(contains(refused(targets, {.lengths = {9, 1}}), "the length of row 0 is 9"));
}

// LibTorch 1.13.1: nll_loss.
TEST_CASE("nll loss: the numbers of LibTorch") {
    Tape<double> tape;
    const Var<double> J = nll_loss(log_softmax(input(waves({3, 4}, 0.5, 3))), Targets{2, 0, 3},
                                   {.reduction = Reduction::mean, .weights = {0.5, 1, 3, 0.25}});
    CHECK(J.item() == doctest::Approx(4.03788446291331).epsilon(1e-14));
}
