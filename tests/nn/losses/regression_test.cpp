#include <tests/nn/losses/loss.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/reduce.hpp>
#include <nn/losses/regression.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;
using nn::Reduction;

namespace {

double squared(double d) { return d * d; }
double absolute(double d) { return std::abs(d); }
double huber_of_07(double d) { return std::abs(d) <= 0.7 ? 0.5 * d * d : 0.7 * std::abs(d) - 0.7 * 0.7 / 2; }

/// Returns what comes out for [T, B, ..], or [B, ..] if there are two axes and no lengths.
std::function<Tensor<double>(const Tensors&)> by_loops(double (*of_difference)(double), Reduction reduction,
                                                       const std::vector<std::size_t>& lengths) {
    return [=](const Tensors& x) {
        const Shape shape = shape_of(x[0]);
        Tensor<double> losses = filled(shape, 0);
        Tensor<double> weights = filled(shape, 0);
        for (std::size_t i = 0; i < losses.size(); ++i)
            if (counts(i, shape, lengths)) {
                losses.data()[i] = of_difference(x[0].data()[i] - x[1].data()[i]);
                weights.data()[i] = 1;
            }
        const bool has_time = shape.rank() > 2 || !lengths.empty();
        const double batch = shape.rank() == 0 ? 1 : static_cast<double>(shape[has_time ? 1 : 0]);
        return reduced_by_loops(losses, weights, reduction, std::max(batch, 1.0));
    };
}

/// Rows for all reductions, with lengths and without. `call` takes two Vars, a reduction and lengths.
template <class Call>
std::vector<Row> rows_of(const std::string& name, const Call& call, double (*of_difference)(double),
                         CallSite call_site) {
    std::vector<Row> rows;
    for (Reduction reduction : all_reductions) {
        const auto add = [&](const std::vector<std::size_t>& lengths) {
            return row(
                name, [=](const auto& x) { return call(x[0], x[1], reduction, lengths); },
                by_loops(of_difference, reduction, lengths), CallSite::current(), call_site);
        };
        rows.push_back(add({})
                           .of({{{4, 3, 2}, {4, 3, 2}}, {{5, 3}, {5, 3}}, {{4}, {4}}, {{}, {}}})
                           .rejects({{3, 1}, {3}}, {"[3, 1]", "[3]", "the same shape"})
                           .rejects({{2, 3}, {2, 1}})
                           .rejects({{}, {1}}));
        rows.push_back(add({2, 0, 4})
                           .of({{{4, 3, 2}, {4, 3, 2}}, {{5, 3}, {5, 3}}, {{4, 3, 1, 2}, {4, 3, 1, 2}}})
                           .rejects({{5}, {5}}, {"[5]", "[T, B, ..]"})
                           .rejects({{4, 2}, {4, 2}}, {"3 lengths", "batch of 2"})
                           .rejects({{3, 3}, {3, 3}}, {"length of row 2 is 4", "3 time steps"}));
        rows.push_back(add({0, 0}).of({{{3, 2}, {3, 2}}, {{0, 2, 2}, {0, 2, 2}}, {{3, 2, 0}, {3, 2, 0}}}));
        if (reduction != Reduction::mean)
            rows.push_back(add({}).of({{{0, 2}, {0, 2}}, {{3, 0, 2}, {3, 0, 2}}}));
    }
    return rows;
}

template <class Call>
void check_loss(const std::string& name, double (*of_difference)(double), const Call& call,
                CallSite site = CallSite::current()) {
    check_rows(rows_of(name, call, of_difference, site));
    Random random("padding");
    const Tensors arguments{random.tensor({4, 3, 2}), random.tensor({4, 3, 2})};
    const std::vector<std::size_t> lengths{3, 0, 4};
    for (Reduction reduction : all_reductions)
        check_padding([&](const auto& x) { return call(x[0], x[1], reduction, lengths); }, arguments,
                      lengths);
}

Tensor<double> slope_at(const Tensor<double>& difference, double delta) {
    Tape<double> tape;
    const Var<double> x = input(difference);
    return gradient(
        nn::huber(x, filled(shape_of(difference), 0), {.reduction = Reduction::sum, .delta = delta}), {x})[x];
}

}  // namespace

TEST_CASE("mean squared error: values, derivatives, masks and errors") {
    check_loss("mean_squared_error", squared,
               [](const auto& a, const auto& b, auto reduction, const auto& lengths) {
                   return nn::mean_squared_error(a, b, {.reduction = reduction, .lengths = lengths});
               });
}

TEST_CASE("mean absolute error: values, derivatives, masks and errors") {
    check_loss("mean_absolute_error", absolute,
               [](const auto& a, const auto& b, auto reduction, const auto& lengths) {
                   return nn::mean_absolute_error(a, b, {.reduction = reduction, .lengths = lengths});
               });
}

TEST_CASE("huber: values, derivatives, masks and errors") {
    check_loss("huber", huber_of_07, [](const auto& a, const auto& b, auto reduction, const auto& lengths) {
        return nn::huber(a, b, {.reduction = reduction, .delta = 0.7, .lengths = lengths});
    });
}

TEST_CASE("regression losses: without options the mean, over all elements or over those that count") {
    const Tape<double> tape;
    const Tensor<double> prediction = tensor({2, 2}, {1, 3, 0, 100});
    const Tensor<double> target = filled({2, 2}, 0);
    CHECK(nn::mean_squared_error(prediction, target).item() == doctest::Approx(10010.0 / 4));
    CHECK(nn::mean_absolute_error(prediction, target).item() == doctest::Approx(104.0 / 4));
    CHECK(nn::huber(prediction, target).item() == doctest::Approx((0.5 + 2.5 + 99.5) / 4));
    CHECK(nn::mean_squared_error(prediction, target, {.lengths = {2, 1}}).item() ==
          doctest::Approx(10.0 / 3));
    CHECK(nn::huber(prediction, target, {.delta = 2, .lengths = {2, 1}}).item() ==
          doctest::Approx((0.5 + 4) / 3));
}

TEST_CASE("regression losses: without lengths one node for all losses and one for their mean") {
    Tape<double> tape;
    const Var<double> a = input(filled({3, 2}, 1));
    const Var<double> b = input(filled({3, 2}, 2));
    const std::size_t before = tape.size();
    nn::mean_squared_error(a, b);
    CHECK(tape.size() == before + 2);
    nn::huber(a, b, {.reduction = Reduction::none});
    CHECK(tape.size() == before + 3);
}

TEST_CASE("regression losses: kinks, and a NaN that counts") {
    check_same_bits(slope_at(vector({-3, -2, -0.5, 0, 2, 3}), 2), vector({-2, -2, -0.5, 0, 2, 2}));
    check_same_bits(slope_at(vector({-1e300, 5, -infinity}), infinity), vector({-1e300, 5, -infinity}));
    CHECK(std::isnan(slope_at(vector({not_a_number}), 1)[0]));
    Tape<double> tape;
    const Var<double> x = input(vector({-2, 0, 2, not_a_number}));
    const Var<double> J = nn::mean_absolute_error(x, filled({4}, 0), {.reduction = Reduction::sum});
    check_close(gradient(J, {x})[x], vector({-1, 0, 1, not_a_number}), 0);
    CHECK(std::isnan(J.item()));
    CHECK(std::isnan(nn::huber(x, filled({4}, 0)).item()));
}

TEST_CASE("regression losses: a delta of 0 or less is refused, and so is a mean of nothing") {
    const Tensor<double> x = filled({2}, 1);
    for (double delta : {0.0, -1.0, not_a_number})
        CHECK(contains(refusal([&] { nn::huber(x, x, {.delta = delta}); }), "it must be greater than 0"));
    CHECK(refusal([] {
              nn::mean_squared_error(filled({0, 2}, 1), filled({0, 2}, 1));
          })
              .starts_with("mean_squared_error: prediction is [0, 2]; there is no mean of no elements "
                           "(regression_test.cpp:"));
}

// LibTorch 1.13.1: l1_loss, mse_loss, huber_loss and smooth_l1_loss with delta = beta = 0.7.
TEST_CASE("regression losses: the numbers of LibTorch") {
    Tape<double> tape;
    const Var<double> x = input(waves({2, 3}, 0.5, 3));
    const Tensor<double> target = waves({2, 3}, 2, 1);
    CHECK(nn::mean_absolute_error(x, target).item() == doctest::Approx(1.91334189496397).epsilon(1e-14));
    CHECK(nn::mean_squared_error(x, target).item() == doctest::Approx(4.31708912681728).epsilon(1e-14));
    const Var<double> J = nn::huber(x, target, {.delta = 0.7});
    CHECK(J.item() == doctest::Approx(1.09677666962474).epsilon(1e-14));
    CHECK(J.item() / 0.7 == doctest::Approx(1.56682381374964).epsilon(1e-14));
    check_close(gradient(J, {x})[x],
                tensor({2, 3}, {0.0881631981644879, 0.7 / 6, -0.7 / 6, -0.7 / 6, 0.7 / 6, 0.7 / 6}), 1e-13);
}
