#include <tests/nn/losses/loss.hpp>

#include <autograd/gradient.hpp>
#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/losses/cross_entropy.hpp>

#include <cmath>
#include <numeric>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::CrossEntropyOptions;
using nn::Reduction;
using nn::softmax_cross_entropy;
using nn::Targets;

namespace {

/// The distribution that a class stands for, times the weights of the classes.
Tensor<double> distributions_of(const Targets& targets, std::size_t O, const CrossEntropyOptions& options) {
    Shape shape = Shape::of(targets.shape());
    shape.append(O);
    Tensor<double> q = filled(shape, 0);
    for (std::size_t row = 0; row < targets.size(); ++row)
        if (targets.data()[row] != options.ignore)
            for (std::size_t j = 0; j < O; ++j) {
                const bool own = static_cast<std::ptrdiff_t>(j) == targets.data()[row];
                q.data()[row * O + j] = options.label_smoothing / static_cast<double>(O) +
                                        (own ? 1 - options.label_smoothing : 0);
            }
    return q;
}

/// The loss of distributions, with weights and lengths but without smoothing. `row_weights` are what each
/// target counts for in the mean.
Tensor<double> loss_of_distributions(const Tensor<double>& logits, const Tensor<double>& q,
                                     Tensor<double> row_weights, const CrossEntropyOptions& options) {
    const std::size_t O = shape_of(logits).back();
    Tensor<double> losses = filled(shape_of(row_weights), 0);
    for (std::size_t row = 0; row < losses.size(); ++row) {
        if (!counts(row, shape_of(row_weights), options.lengths)) {
            row_weights.data()[row] = 0;
            continue;
        }
        double sum = 0;
        for (std::size_t j = 0; j < O; ++j) sum += std::exp(logits.data()[row * O + j]);
        for (std::size_t j = 0; j < O; ++j)
            losses.data()[row] -= (options.weights.empty() ? 1 : options.weights[j]) * q.data()[row * O + j] *
                                  (logits.data()[row * O + j] - std::log(sum));
    }
    const Shape shape = shape_of(losses);
    const double batch = shape.rank() == 0 ? 1 : static_cast<double>(shape[shape.rank() == 1 ? 0 : 1]);
    return reduced_by_loops(losses, row_weights, options.reduction, std::max(batch, 1.0));
}

/// A row for classes that are always the same.
Row class_row(const Targets& targets, const CrossEntropyOptions& options,
              CallSite site = CallSite::current()) {
    return row(
        "softmax_cross_entropy", [=](const auto& x) { return softmax_cross_entropy(x[0], targets, options); },
        [=](const Tensors& x) {
            Tensor<double> weights = filled(Shape::of(targets.shape()), 0);
            for (std::size_t i = 0; i < targets.size(); ++i)
                if (targets.data()[i] != options.ignore)
                    weights.data()[i] = options.weights.empty()
                                            ? 1
                                            : options.weights[static_cast<std::size_t>(targets.data()[i])];
            const std::size_t O = shape_of(x[0]).back();
            return loss_of_distributions(x[0], distributions_of(targets, O, options), weights, options);
        },
        site);
}

/// A row for logits and distributions.
Row distribution_row(const CrossEntropyOptions& options) {
    return row(
               "softmax_cross_entropy",
               [=](const auto& x) { return softmax_cross_entropy(x[0], x[1], options); },
               [=](const Tensors& x) {
                   const auto O = static_cast<double>(shape_of(x[0]).back());
                   const Tensor<double> q = each(x[1], [&](double p) {
                       return (1 - options.label_smoothing) * p + options.label_smoothing / O;
                   });
                   Shape rows;
                   for (std::size_t axis = 0; axis + 1 < shape_of(x[0]).rank(); ++axis)
                       rows.append(shape_of(x[0])[axis]);
                   return loss_of_distributions(x[0], q, filled(rows, 1), options);
               })
        .from({{-3, 3}, {0, 1}});
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

TEST_CASE("cross entropy: weights, label smoothing and lengths, derivatives of both orders") {
    const Targets targets{{0, 4, 1}, {2, 2, 2}, {4, 1, 0}, {3, 3, 2}};
    const std::vector<double> weights{0.5, 2, 0, 1, 3};
    const std::vector<std::vector<Shape>> shapes{{{4, 3, 5}}};
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        rows.push_back(class_row(targets, {.reduction = reduction, .weights = weights}).of(shapes));
        rows.push_back(class_row(targets, {.reduction = reduction, .label_smoothing = 0.3}).of(shapes));
        rows.push_back(class_row(targets, {.reduction = reduction, .lengths = {2, 0, 4}}).of(shapes));
        rows.push_back(class_row(targets, {.reduction = reduction, .lengths = {0, 0, 0}}).of(shapes));
        rows.push_back(class_row(targets, {.reduction = reduction,
                                           .ignore = 2,
                                           .weights = weights,
                                           .label_smoothing = 0.3,
                                           .lengths = {4, 1, 3}})
                           .of(shapes));
        rows.push_back(class_row(Targets{{{0, 1}, {1, 1}}, {{2, 0}, {0, 2}}},
                                 {.reduction = reduction, .lengths = {1, 2}})
                           .of({{{2, 2, 2, 3}}}));
        rows.push_back(
            class_row(Targets{1, 0, 1},
                      {.reduction = reduction, .ignore = 0, .weights = {2, 3}, .label_smoothing = 1})
                .of({{{3, 2}}}));
    }
    check_rows(rows);
}

TEST_CASE("cross entropy: distributions, derivatives of both orders by both arguments") {
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        rows.push_back(distribution_row({.reduction = reduction})
                           .of({{{3, 2, 4}, {3, 2, 4}}, {{3, 4}, {3, 4}}, {{4}, {4}}, {{0, 4}, {0, 4}}}));
        rows.push_back(distribution_row({.reduction = reduction, .weights = {1, 0, 3, 0.5}})
                           .of({{{3, 2, 4}, {3, 2, 4}}}));
        rows.push_back(distribution_row({.reduction = reduction, .lengths = {0, 3}})
                           .of({{{3, 2, 4}, {3, 2, 4}}, {{3, 2, 2, 3}, {3, 2, 2, 3}}}));
        rows.push_back(
            distribution_row(
                {.reduction = reduction, .weights = {1, 0, 3}, .label_smoothing = 0.2, .lengths = {2, 1}})
                .of({{{3, 2, 3}, {3, 2, 3}}}));
    }
    check_rows(rows);
}

TEST_CASE("cross entropy: what is behind the end of a row does not matter, nor its target") {
    Random random("padding");
    const Tensors logits{random.tensor({4, 3, 2})};
    const std::vector<std::size_t> lengths{3, 0, 4};
    const Targets targets{{0, 77, 1}, {1, -5, 0}, {1, 0, 0}, {-1, 2, 1}};
    for (Reduction reduction : all_reductions) {
        check_padding(
            [&](const auto& x) {
                return softmax_cross_entropy(x[0], targets, {.reduction = reduction, .lengths = lengths});
            },
            logits, lengths);
        check_padding(
            [&](const auto& x) {
                return softmax_cross_entropy(
                    x[0], targets,
                    {.reduction = reduction, .weights = {2, 3}, .label_smoothing = 0.1, .lengths = lengths});
            },
            logits, lengths);
        check_padding(
            [&](const auto& x) {
                return softmax_cross_entropy(
                    x[0], x[1],
                    {.reduction = reduction, .weights = {2, 3}, .label_smoothing = 0.1, .lengths = lengths});
            },
            {logits[0], random.tensor({4, 3, 2}, 0, 1)}, lengths);
    }
}

TEST_CASE("cross entropy: where the weights of all targets are 0, so are the loss and its gradient") {
    const Tensor<double> logits = tensor({2, 2}, {1, 2, 3, 5});
    for (double smoothing : {0.0, 0.1})
        for (Reduction reduction : {Reduction::batch_mean, Reduction::mean, Reduction::sum}) {
            const CrossEntropyOptions options{
                .reduction = reduction, .weights = {0, 0}, .label_smoothing = smoothing};
            CHECK(value_of(logits, Targets{1, 0}, options) == 0);
            check_close(gradient_of(logits, Targets{1, 0}, options), filled({2, 2}, 0), 0);
        }
    const CrossEntropyOptions first_only{.reduction = Reduction::mean, .weights = {1, 0}};
    CHECK(value_of(logits, Targets{1, 0}, first_only) == doctest::Approx(2 + std::log1p(std::exp(-2.0))));
}

TEST_CASE("cross entropy: a class with a distribution of its own is that class") {
    Random random("sure");
    const Tensor<double> logits = random.tensor({3, 2, 4}, -3, 3);
    const Targets targets{{0, 3}, {1, 1}, {2, 0}};
    Tape<double> tape;
    const double by_class = softmax_cross_entropy(logits, targets).item();
    const Tensor<double> q = distributions_of(targets, 4, {});
    CHECK(softmax_cross_entropy(logits, q).item() == doctest::Approx(by_class).epsilon(1e-14));
    CHECK(softmax_cross_entropy(logits, 1.0 * q).item() == doctest::Approx(by_class).epsilon(1e-14));
    CHECK(softmax_cross_entropy(logits, targets + 0).item() == by_class);
    const Parameter<double> parameter("q", q);
    CHECK(softmax_cross_entropy(logits, parameter).item() == doctest::Approx(by_class).epsilon(1e-14));
}

TEST_CASE("cross entropy: distributions and smoothing stand logits of 800 and impossible classes") {
    const Tensor<double> logits = tensor({2, 3}, {800, -800, 0, 1, -infinity, 1});
    const Tensor<double> q = tensor({2, 3}, {0.5, 0.25, 0.25, 0.5, 0, 0.5});
    Tape<double> tape;
    const Var<double> x = input(logits);
    const Var<double> J = softmax_cross_entropy(x, q, {.reduction = Reduction::none});
    check_close(J.value(), vector({600, std::log(2.0)}), 1e-14);
    check_close(gradient(sum(J), {x})[x], tensor({2, 3}, {0.5, -0.25, -0.25, 0, 0, 0}), 1e-14);
    const CrossEntropyOptions smooth{.reduction = Reduction::sum, .label_smoothing = 0.3};
    CHECK(value_of(tensor({1, 3}, {800, -800, 0}), Targets{0}, smooth) == doctest::Approx(240));
}

TEST_CASE("cross entropy: without options one node for all losses") {
    Tape<double> tape;
    const Var<double> x = input(filled({3, 2, 4}, 1));
    const std::size_t before = tape.size();
    softmax_cross_entropy(x, Targets{{0, 1}, {2, 3}, {0, 0}}, {.reduction = Reduction::none});
    CHECK(tape.size() == before + 1);
}

TEST_CASE("cross entropy: options that do not fit are refused") {
    const Tensor<double> logits = filled({3, 2, 5}, 0);
    const Targets targets{{0, 4}, {1, 2}, {4, 1}};
    CHECK(contains(refused(logits, targets, {.weights = {1, 2}}),
                   "logits are [3, 2, 5] and there are 2 weights; each class needs one"));
    for (double weight : {-1.0, not_a_number, infinity})
        CHECK(contains(refused(logits, targets, {.weights = {1, 1, weight, 1, 1}}),
                       "the weight of class 2 is"));
    for (double smoothing : {-0.1, 1.1, not_a_number})
        CHECK(contains(refused(logits, targets, {.label_smoothing = smoothing}), "it must be in 0..1"));
    CHECK(contains(refused(logits, targets, {.lengths = {3}}), "1 lengths for a batch of 2"));
    CHECK(contains(refused(logits, targets, {.lengths = {3, 4}}), "the length of row 1 is 4"));
    CHECK(contains(refused(filled({3, 5}, 0), Targets{1, 2, 3}, {.lengths = {3}}),
                   "targets are [3]; with lengths it must have time and batch"));

    const auto refused_distribution = [&](const Shape& shape, const CrossEntropyOptions& options) {
        return refusal([&] { softmax_cross_entropy(logits, filled(shape, 0), options); });
    };
    CHECK(contains(refused_distribution({3, 2, 1}, {}), "logits are [3, 2, 5] and targets [3, 2, 1]; "));
    CHECK(contains(refused_distribution({3, 2, 5}, {.ignore = 1}), "only a class can be ignored"));
    CHECK(contains(refused_distribution({3, 2, 5}, {.weights = {1}}), "there are 1 weights"));
    CHECK(contains(refused_distribution({3, 2, 5}, {.label_smoothing = 2}), "it must be in 0..1"));
    CHECK(contains(refused_distribution({3, 2, 5}, {.lengths = {1, 4}}), "the length of row 1 is 4"));
    CHECK(contains(refusal([] {
                       softmax_cross_entropy(filled({2, 5}, 0), filled({2, 5}, 0), {.lengths = {1, 2}});
                   }),
                   "with lengths they must be [T, B, .., O]"));
}

// LibTorch 1.13.1: cross_entropy.
TEST_CASE("cross entropy: the numbers of LibTorch") {
    const Tensor<double> logits = waves({3, 4}, 0.5, 3);
    const Targets targets{2, 0, 3};
    const std::vector<double> weights{0.5, 1, 3, 0.25};
    Tape<double> tape;
    check_close(softmax_cross_entropy(logits, targets, {.reduction = Reduction::none, .label_smoothing = 0.1})
                    .value(),
                vector({4.61923094708631, 0.52250889070116, 2.2160965976285}), 1e-13);
    CrossEntropyOptions options{.reduction = Reduction::mean, .weights = weights};
    CHECK(value_of(logits, targets, options) == doctest::Approx(4.03788446291331).epsilon(1e-14));
    options.label_smoothing = 0.1;
    CHECK(value_of(logits, targets, options) == doctest::Approx(4.02487215953744).epsilon(1e-14));
    options.ignore = 0;
    CHECK(value_of(logits, targets, options) == doctest::Approx(4.45436871414712).epsilon(1e-14));
    check_close(gradient_of(logits, targets, options),
                tensor({3, 4}, {0.227459825403763, 0.613073577992413, -0.846872311610812, 0.00633890821463663,
                                0, 0, 0, 0, 0.0857676217629247, -0.00429881278353187, -0.022837445892215,
                                -0.0586313630871778}),
                1e-12);

    Tensor<double> q = each(waves({3, 4}, 2, 1), [](double x) { return std::exp(x); });
    for (std::size_t row = 0; row < 3; ++row) {
        const double total = std::accumulate(q.data() + 4 * row, q.data() + 4 * row + 4, 0.0);
        for (std::size_t j = 0; j < 4; ++j) q.data()[4 * row + j] /= total;
    }
    const Var<double> x = input(logits);
    CHECK(softmax_cross_entropy(x, q, {.reduction = Reduction::mean}).item() ==
          doctest::Approx(2.64359241362351).epsilon(1e-14));
    const Var<double> J = softmax_cross_entropy(
        x, q, {.reduction = Reduction::mean, .weights = weights, .label_smoothing = 0.1});
    CHECK(J.item() == doctest::Approx(3.25514247329228).epsilon(1e-14));
    check_close(
        gradient(J, {x})[x],
        tensor({3, 4}, {-0.00675341885211924, 0.131493342056372, -0.09720376604347, -0.0275361571607823,
                        0.143879523208934, 0.0220148765130663, -0.137429177067151, -0.0284652226548488,
                        0.242371222139518, -0.0187881503110853, -0.223095244016044, -0.00048782781238895}),
        1e-12);
}
