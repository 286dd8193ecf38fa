#include <tests/expect.hpp>

#include <autograd/study/jacobian/decompositions.hpp>
#include <autograd/study/jacobian/jacobian_lens.hpp>
#include <autograd/study/jacobian/product_values.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/generator.hpp>
#include <nn/initialisers.hpp>
#include <nn/sequence/unroll.hpp>
#include <nn/study/states.hpp>

#include <cmath>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr double double_rounding = std::numeric_limits<double>::epsilon();

Tensor<double> times_diagonal(const Tensor<double>& matrix, const std::vector<double>& diagonal) {
    return generate({matrix.shape(0), matrix.shape(1)},
                    [&](const Position& p) { return matrix(p[0], p[1]) * diagonal[p[1]]; });
}

Tensor<double> transpose_of(const Tensor<double>& matrix) {
    return generate({matrix.shape(1), matrix.shape(0)},
                    [&](const Position& p) { return matrix(p[1], p[0]); });
}

}  // namespace

// A product that is multiplied out keeps what is within 1e-16 of its largest value; the fourth value here is
// at 1e-120 of it.
TEST_CASE("product values: each has its own digits, however far below the largest it is") {
    const std::vector<double> rates{1.1, 0.7, 0.69, 1e-3};
    nn::Generator generator(5);
    std::vector<Tensor<double>> turns;
    for (int k = 0; k <= 40; ++k) turns.push_back(nn::orthogonal<double>({4, 4}, generator));
    tapeloop::detail::ProductValues values(4, double_rounding);
    for (std::size_t d = 1; d <= 40; ++d) {
        // Q1 D Q2^T, then Q2 D Q3^T, ...: the turns cancel, and the product has the rates' powers.
        values.multiply(
            tapeloop::detail::product(times_diagonal(turns[d - 1], rates), transpose_of(turns[d])));
        const std::vector<double> logarithms = values.logarithms();
        for (std::size_t k = 0; k < 4; ++k)
            CHECK(std::abs(logarithms[k] - static_cast<double>(d) * std::log(rates[k])) < 1e-9);
    }
}

TEST_CASE("product values: of few factors they are those of the product itself") {
    Random random("few factors");
    tapeloop::detail::ProductValues values(5, double_rounding);
    Tensor<double> product = tapeloop::detail::product(random.tensor({5, 5}), random.tensor({5, 5}));
    values.multiply(product);
    for (int k = 0; k < 4; ++k) {
        const Tensor<double> factor = random.tensor({5, 5});
        values.multiply(factor);
        product = tapeloop::detail::product(product, factor);
        const std::vector<double> expected = tapeloop::detail::singular_values(product);
        for (std::size_t i = 0; i < 5; ++i)
            CHECK(values.logarithms()[i] == doctest::Approx(std::log(expected[i])).epsilon(1e-9));
    }
}

TEST_CASE("product values: what the rounding of the factors hides is not known, and 0 is 0") {
    // The last direction is 1e-9 of the first in each factor: of float's numbers it is rounding alone.
    const Tensor<double> factor = tensor({2, 2}, {1, 0, 0, 1e-9});
    tapeloop::detail::ProductValues exact(2, double_rounding);
    tapeloop::detail::ProductValues rough(2, 1e-7);
    exact.multiply(factor);
    rough.multiply(factor);
    CHECK(exact.logarithms()[1] == doctest::Approx(std::log(1e-9)));
    CHECK(rough.logarithms()[0] == doctest::Approx(0));
    CHECK(std::isnan(rough.logarithms()[1]));
    exact.multiply(filled({2, 2}, 0));
    for (double value : exact.logarithms()) CHECK(value == -std::numeric_limits<double>::infinity());
}

TEST_CASE("jacobian spectrum: no singular value of a longer product exceeds what one more step allows") {
    nn::Generator generator(8);
    const nn::LstmCell<double> cell(3, 8, generator);
    Random random("lengths");
    Tape<double> tape;
    const auto run = nn::unroll(cell, random.tensor({60, 1, 3}), {.trace = true});
    const JacobianSpectrum spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    std::size_t known = 0;
    for (std::size_t d = 1; d < spectrum.products.size(); ++d) {
        const auto& shorter = spectrum.products[d - 1].log_singular_values;
        const auto& longer = spectrum.products[d].log_singular_values;
        const double step = std::log(spectrum.steps[spectrum.steps.size() - 1 - d].singular_values[0]);
        for (std::size_t k = 0; k < longer.size(); ++k) {
            if (std::isnan(longer[k]) || std::isnan(shorter[k])) continue;
            ++known;
            CHECK(longer[k] <= shorter[k] + step + 1e-9);
        }
    }
    CHECK(known > 800);  // of 59 products of 16 values
}
