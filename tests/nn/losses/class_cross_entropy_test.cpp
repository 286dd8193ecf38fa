#include <tests/nn/losses/loss.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/ops/shape.hpp>
#include <nn/losses/cross_entropy.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::CrossEntropyOptions;
using nn::Reduction;
using nn::softmax_cross_entropy;
using nn::Targets;

namespace {

/// The loss of every target in plain loops, 0 where it is ignored.
Tensor<double> losses_by_loops(const Tensor<double>& logits, const Targets& targets,
                               const CrossEntropyOptions& options) {
    const std::size_t O = shape_of(logits).back();
    Tensor<double> losses = tapeloop::detail::uninitialised<double>(Shape::of(targets.shape()));
    for (std::size_t row = 0; row < losses.size(); ++row) {
        const std::ptrdiff_t target = targets.data()[row];
        double sum = 0;
        for (std::size_t j = 0; j < O; ++j) sum += std::exp(logits.data()[row * O + j]);
        losses.data()[row] = target == options.ignore
                                 ? 0
                                 : std::log(sum) - logits.data()[row * O + static_cast<std::size_t>(target)];
    }
    return losses;
}

double loss_by_loops(const Tensor<double>& logits, const Targets& targets,
                     const CrossEntropyOptions& options) {
    double total = 0;
    for (double loss : losses_by_loops(logits, targets, options)) total += loss;
    double count = 1;
    if (options.reduction == Reduction::batch_mean && targets.dimension() > 0)
        count = static_cast<double>(targets.shape().back());
    if (options.reduction == Reduction::mean) {
        count = 0;
        for (std::ptrdiff_t target : targets) count += target == options.ignore ? 0 : 1;
    }
    return total / count;
}

void check_loss(const Tensor<double>& logits, const Targets& targets, const CrossEntropyOptions& options) {
    Random random("loss");
    const Tensor<double> direction = random.tensor(shape_of(logits));
    Tape<double> tape;
    const Var<double> x = input(logits);
    const Var<double> J = softmax_cross_entropy(x, targets, options);
    const auto loss = [&](const Tensors& at_x) { return loss_by_loops(at_x[0], targets, options); };
    CHECK(J.shape() == Shape{});
    CHECK(J.item() == doctest::Approx(loss({logits})).epsilon(1e-13));
    check_close(gradient(J, {x})[x], derivative(loss, {logits}, 0), 1e-8);

    const Var<double> slope = gradient_graph(J, {x})[x];
    const auto slopes = [&](const Tensors& at_x) {
        Tape<double> own_tape;
        const Var<double> own = input(at_x[0]);
        return Tensors{gradient(softmax_cross_entropy(own, targets, options), {own})[own]};
    };
    check_close(slope.value(), gradient(J, {x})[x], 1e-14);
    check_close(gradient(sum(slope * direction), {x})[x], derivative_along(slopes, {logits}, {direction})[0],
                1e-8);
}

Tensor<double> gradient_of(const Tensor<double>& logits, const Targets& targets,
                           const CrossEntropyOptions& options = {}) {
    Tape<double> tape;
    const Var<double> x = input(logits);
    return gradient(softmax_cross_entropy(x, targets, options), {x})[x];
}

double value_of(const Tensor<double>& logits, const Targets& targets,
                const CrossEntropyOptions& options = {}) {
    Tape<double> tape;
    return softmax_cross_entropy(logits, targets, options).item();
}

std::string refused(const Tensor<double>& logits, const Targets& targets,
                    const CrossEntropyOptions& options = {}) {
    Tape<double> tape;
    const std::string text =
        text_of<std::invalid_argument>([&] { softmax_cross_entropy(logits, targets, options); });
    CHECK(tape.size() == 0);
    return text;
}

}  // namespace

TEST_CASE("cross entropy: values and gradients of both orders are those of plain loops") {
    Random random("cross entropy");
    const Tensor<double> logits = random.tensor({3, 2, 5}, -3, 3);
    const Targets targets{{0, 4}, {2, 2}, {4, 1}};
    for (Reduction reduction : {Reduction::batch_mean, Reduction::mean, Reduction::sum}) {
        check_loss(logits, targets, {.reduction = reduction});
        check_loss(logits, targets, {.reduction = reduction, .ignore = 2});
        check_loss(random.tensor({4, 3}, -3, 3), Targets{2, 0, 1, 1}, {.reduction = reduction, .ignore = 1});
        check_loss(random.tensor({3}, -3, 3), Targets(2), {.reduction = reduction});
    }
}

TEST_CASE("cross entropy: without a reduction, a loss for each target") {
    Random random("none");
    const Tensor<double> logits = random.tensor({3, 2, 5}, -3, 3);
    const Targets targets{{0, 4}, {-1, 2}, {4, 1}};
    const CrossEntropyOptions options{.reduction = Reduction::none, .ignore = -1};
    const Tensor<double> cotangent = random.tensor({3, 2});
    Tape<double> tape;
    const Var<double> x = input(logits);
    const Var<double> losses = softmax_cross_entropy(x, targets, options);
    check_close(losses.value(), losses_by_loops(logits, targets, options), 1e-13);
    CHECK(losses.value()(1, 0) == 0);
    const auto weighted = [&](const Tensors& at_x) {
        return inner({losses_by_loops(at_x[0], targets, options)}, {cotangent});
    };
    check_close(gradient(std::vector<GradientRoot<double>>{{losses, cotangent}}, {x})[x],
                derivative(weighted, {logits}, 0), 1e-8);
}

TEST_CASE("cross entropy: batch_mean divides by the batch, mean by the targets that count") {
    const Tensor<double> logits = filled({3, 2, 4}, 0);
    const Targets targets{{0, 1}, {-1, 2}, {-1, -1}};
    const double each = std::log(4.0);
    const auto value = [&](Reduction reduction) {
        return value_of(logits, targets, {.reduction = reduction, .ignore = -1});
    };
    CHECK(value(Reduction::batch_mean) == doctest::Approx(3 * each / 2));
    CHECK(value(Reduction::mean) == doctest::Approx(each));
    CHECK(value(Reduction::sum) == doctest::Approx(3 * each));
}

TEST_CASE("cross entropy: where all is ignored, or nothing is there, the loss and its gradient are 0") {
    for (Reduction reduction : {Reduction::batch_mean, Reduction::mean, Reduction::sum}) {
        const CrossEntropyOptions options{.reduction = reduction, .ignore = 3};
        const Tensor<double> logits = filled({2, 2, 4}, 1.5);
        CHECK(value_of(logits, Targets{{3, 3}, {3, 3}}, options) == 0);
        check_same_bits(gradient_of(logits, Targets{{3, 3}, {3, 3}}, options), filled({2, 2, 4}, 0));
        for (const Shape& shape : {Shape{0, 2, 4}, Shape{2, 0, 4}, Shape{0, 4}}) {
            Targets none = Targets::from_shape({shape[0]});
            if (shape.rank() == 3) none = Targets::from_shape({shape[0], shape[1]});
            CHECK(value_of(filled(shape, 1), none, options) == 0);
            check_same_bits(gradient_of(filled(shape, 1), none, options), filled(shape, 0));
        }
    }
}

TEST_CASE("cross entropy: what is ignored does not matter, be it infinite or NaN") {
    const CrossEntropyOptions options{.reduction = Reduction::mean, .ignore = -100};
    const Tensor<double> logits = tensor({3, 2}, {1, 2, not_a_number, 0, infinity, -infinity});
    const Targets targets{1, -100, -100};
    const Tensor<double> alone = gradient_of(tensor({1, 2}, {1, 2}), Targets{1}, options);
    CHECK(value_of(logits, targets, options) == doctest::Approx(std::log1p(std::exp(-1.0))));
    check_close(gradient_of(logits, targets, options), tensor({3, 2}, {alone[0], alone[1], 0, 0, 0, 0}),
                1e-15);
}

TEST_CASE("cross entropy: a NaN that counts reaches the loss and the gradient") {
    const Tensor<double> logits = tensor({2, 2}, {1, 2, not_a_number, 0});
    CHECK(std::isnan(value_of(logits, Targets{1, 1})));
    const Tensor<double> g = gradient_of(logits, Targets{1, 1});
    CHECK(std::isfinite(g(0, 0)));
    CHECK(std::isnan(g(1, 0)));
}

TEST_CASE("cross entropy: logits of 800 have their limits") {
    const Tensor<double> logits = tensor({3, 3}, {800, -800, 0, -800, -800, -800, 800, 800, -800});
    const Targets first{0, 0, 0};
    const Targets second{1, 1, 1};
    const CrossEntropyOptions none{.reduction = Reduction::none, .ignore = {}};
    Tape<double> tape;
    check_close(softmax_cross_entropy(logits, first, none).value(), vector({0, std::log(3.0), std::log(2.0)}),
                1e-14);
    check_close(softmax_cross_entropy(logits, second, none).value(),
                vector({1600, std::log(3.0), std::log(2.0)}), 1e-14);
    const CrossEntropyOptions total{.reduction = Reduction::sum, .ignore = {}};
    check_close(gradient_of(logits, second, total),
                tensor({3, 3}, {1, -1, 0, 1. / 3, -2. / 3, 1. / 3, 0.5, -0.5, 0}), 1e-14);

    Tape<float> coarse;
    const Var<float> x = input(rounded<float>(logits));
    const Var<float> J = softmax_cross_entropy(x, second, total);
    CHECK(J.item() == doctest::Approx(1600 + std::log(6.0)));
    check_close(as_double(gradient(J, {x})[x]),
                tensor({3, 3}, {1, -1, 0, 1. / 3, -2. / 3, 1. / 3, 0.5, -0.5, 0}), 1e-6);
}

TEST_CASE("cross entropy: an impossible class has an infinite loss") {
    CHECK(value_of(tensor({1, 2}, {0, -infinity}), Targets{1}) == infinity);
    CHECK(value_of(tensor({1, 2}, {0, -infinity}), Targets{0}) == 0);
}

TEST_CASE("cross entropy: targets that do not fit are refused, with their place") {
    const Tensor<double> logits = filled({3, 2, 5}, 0);
    CHECK(refused(logits, Targets{{0, 4}, {1, 5}, {4, 1}})
              .starts_with(
                  "softmax_cross_entropy: the target at [1, 1] is 5; logits are [3, 2, 5], so it must be in "
                  "0..4 (class_cross_entropy_test.cpp:"));
    CHECK(contains(refused(logits, Targets{{0, 4}, {1, 2}, {-1, 1}}), "the target at [2, 0] is -1;"));
    CHECK(contains(refused(logits, Targets{{0, 4}, {1, 2}, {-1, 1}}, {.ignore = -100}),
                   "it must be in 0..4, or -100 to be ignored"));
    CHECK(
        refused(logits, Targets{0, 1, 2})
            .starts_with("softmax_cross_entropy: logits are [3, 2, 5] and targets [3]; targets must have the "
                         "logits' shape without the last axis"));
    CHECK(contains(refused(logits, Targets{{0, 4, 1}, {1, 2, 3}}), "targets [2, 3]"));
    CHECK(contains(refused(filled({}, 0), Targets(0)), "logits are []"));
}
