#include <tests/numeric.hpp>

#include <autograd/ops/elementwise.hpp>
#include <autograd/ops/join.hpp>
#include <autograd/ops/linalg.hpp>
#include <autograd/ops/reduce.hpp>
#include <autograd/study/jacobian/local_jacobian.hpp>

#include <doctest/doctest.h>

#include <functional>

using namespace tapeloop;

namespace {

/// The Jacobian by central differences.
Tensor<double> by_differences(const std::function<Var<double>(const Var<double>&)>& f,
                              const Tensor<double>& x) {
    const auto at = [&](std::size_t i, double step) {
        Tape<double> tape;
        Tensor<double> moved = x;
        moved.data()[i] += step;
        return f(input(moved)).value();
    };
    const std::size_t rows = at(0, 0).size();
    Tensor<double> jacobian = tapeloop::detail::uninitialised<double>({rows, x.size()});
    for (std::size_t i = 0; i < x.size(); ++i) {
        const Tensor<double> above = at(i, 1e-6);
        const Tensor<double> below = at(i, -1e-6);
        for (std::size_t row = 0; row < rows; ++row)
            jacobian(row, i) = (above.data()[row] - below.data()[row]) / 2e-6;
    }
    return jacobian;
}

void check_jacobian(const std::function<Var<double>(const Var<double>&)>& f, const Tensor<double>& x) {
    Tape<double> tape;
    const Var<double> var = input(x);
    const Var<double> y = f(var);
    bool found = false;
    for (const LocalJacobian& jacobian : local_jacobians(tape, y.index())) {
        if (jacobian.input != var.index()) continue;
        found = true;
        const Tensor<double> expected = by_differences(f, x);
        REQUIRE(jacobian.matrix.shape() == expected.shape());
        for (std::size_t i = 0; i < expected.size(); ++i)
            CHECK(jacobian.matrix.data()[i] == doctest::Approx(expected.data()[i]).epsilon(1e-7));
    }
    CHECK(found);
}

}  // namespace

TEST_CASE("local_jacobians: against differences") {
    test::Random random("local jacobians");
    const Tensor<double> W = random.tensor({3, 4});
    const Tensor<double> x = random.tensor({2, 3});
    check_jacobian([](const auto& a) { return tanh(a); }, x);
    check_jacobian([&](const auto& a) { return matmul(a, W); }, x);
    check_jacobian([](const auto& a) { return sum(a, {1}); }, x);
    check_jacobian([](const auto& a) { return a * a; }, x);
    const Tensor<double> row = random.tensor({1, 3});
    check_jacobian([&](const auto& a) { return x * a; }, row);
}

TEST_CASE("local_jacobians: limits") {
    Tape<double> tape;
    const Var<double> x = input(Tensor<double>(xt::ones<double>({5, 13})));
    CHECK(local_jacobians(tape, x.index()).empty());
    CHECK(local_jacobians(tape, tanh(x).index()).empty());
    CHECK(local_jacobians(tape, tanh(x).index(), 65).size() == 1);
    CHECK(local_jacobians(tape, sum(x).index()).empty());
    // One of two inputs is too large.
    const auto both = local_jacobians(tape, matmul(Tensor<double>(xt::ones<double>({1, 5})), x).index());
    REQUIRE(both.size() == 1);
    CHECK(both[0].matrix.shape(1) == 5);
    const std::vector<Var<double>> parts = unstack(x);
    CHECK(local_jacobians(tape, parts[0].index()).empty());
    CHECK(local_jacobians(tape, parts[0].index() - 1, 1000).empty());
}
