#include <tests/autograd/study/jacobian/jacobians.hpp>

#include <autograd/study/jacobian/decompositions.hpp>
#include <nn/cells/elman_cell.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/reset_before_gru_cell.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t T = 4;
constexpr std::size_t B = 3;
constexpr std::size_t I = 2;
constexpr std::size_t H = 3;

}  // namespace

TEST_CASE("spectral norm: of a diagonal matrix as of any other") {
    const auto norm_of = [](std::initializer_list<double> diagonal, double beside) {
        Tensor<double> matrix =
            generate({3, 4}, [&](const Position& p) { return p[0] == p[1] ? diagonal.begin()[p[0]] : 0; });
        matrix(1, 0) = beside;
        return detail::spectral_norm(matrix);
    };
    CHECK(norm_of({0.5, -3, 2}, 0) == 3);
    CHECK(norm_of({0, 0, 0}, 0) == 0);
    CHECK(norm_of({0.5, -3, 2}, 1e-9) == doctest::Approx(3));
    CHECK(norm_of({0, 0, 0}, -4) == doctest::Approx(4));
    CHECK(detail::spectral_norm(Tensor<double>::from_shape({0, 3})) == 0);
}

TEST_CASE("jacobian spectrum: without the products' radii all else is the same") {
    const JacobianLens lens = lens_of_linear(orthogonal(5, 0.9), 6);
    const JacobianSpectrum whole = lens.spectrum();
    const JacobianSpectrum spectrum = lens.spectrum(0, {.product_radii = false});
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(std::isnan(spectrum.products[i].log_spectral_radius));
        CHECK(spectrum.products[i].log_singular_values == whole.products[i].log_singular_values);
        CHECK(spectrum.steps[i].spectral_radius == whole.steps[i].spectral_radius);
    }
    CHECK(spectrum.exponents == whole.exponents);
    CHECK(spectrum.text() == whole.text());
}

TEST_CASE("jacobian spectrum: known linear systems") {
    SUBCASE("orthogonal: nothing shrinks and nothing grows") {
        const JacobianSpectrum spectrum = lens_of_linear(orthogonal(5, 1), 30).spectrum();
        for (const StepSpectrum& step : spectrum.steps) {
            for (double value : step.singular_values) CHECK(value == doctest::Approx(1));
            CHECK(step.spectral_radius == doctest::Approx(1));
            CHECK(step.activations == doctest::Approx(1));
            CHECK(step.weights == doctest::Approx(1));
        }
        for (double exponent : spectrum.exponents) CHECK(std::abs(exponent) < 1e-13);
        CHECK(spectrum.flow == GradientFlow::neither);
    }
    SUBCASE("a multiple of it, over a stretch that leaves the range of numbers") {
        for (double gain : {0.5, 2.0}) {
            const JacobianLens lens = lens_of_linear(orthogonal(5, gain), 2000);
            const JacobianSpectrum spectrum = lens.spectrum();
            for (double exponent : spectrum.exponents) CHECK(exponent == doctest::Approx(std::log(gain)));
            REQUIRE(spectrum.products.size() == 2000);
            const ProductSpectrum& whole = spectrum.products.back();
            CHECK(whole.distance == 2000);
            for (double value : whole.log_singular_values)
                CHECK(value == doctest::Approx(2000 * std::log(gain)));
            CHECK(whole.log_spectral_radius == doctest::Approx(2000 * std::log(gain)));
            CHECK(whole.log_bound == doctest::Approx(2000 * std::log(gain)));
            CHECK(spectrum.factor == doctest::Approx(gain));
            CHECK(spectrum.flow == (gain < 1 ? GradientFlow::vanishing : GradientFlow::exploding));
            CHECK(contains(spectrum.text(), gain < 1 ? "e-603" : "e+602"));
            CHECK(lens.product(0, 2000, 0).log_scale == doctest::Approx(2000 * std::log(gain)).epsilon(0.01));
        }
    }
    SUBCASE("diagonal: each direction at its own rate") {
        const Tensor<double> rates = vector({0.5, 1.5, -0.9, 0.1});
        const Tensor<double> W =
            generate({4, 4}, [&](const Position& p) { return p[0] == p[1] ? rates(p[0]) : 0; });
        const JacobianSpectrum spectrum = lens_of_linear(W, 10).spectrum();
        const std::vector<double> magnitudes{1.5, 0.9, 0.5, 0.1};
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(spectrum.steps[3].singular_values[i] == doctest::Approx(magnitudes[i]));
            CHECK(spectrum.exponents[i] == doctest::Approx(std::log(magnitudes[i])));
            CHECK(spectrum.products[9].log_singular_values[i] ==
                  doctest::Approx(10 * std::log(magnitudes[i])));
        }
        CHECK(spectrum.steps[0].spectral_radius == doctest::Approx(1.5));
    }
    SUBCASE("a spiral, whose eigenvalues are complex, seen through a shear") {
        // R turns and shrinks by 0.8; conjugated by a shear it stretches first: radius and norm differ.
        const double c = 0.8 * std::cos(0.7);
        const double s = 0.8 * std::sin(0.7);
        const Tensor<double> shear = tensor({2, 2}, {1, 5, 0, 1});
        const Tensor<double> back = tensor({2, 2}, {1, -5, 0, 1});
        const Tensor<double> W = times(times(shear, tensor({2, 2}, {c, -s, s, c})), back);
        const JacobianSpectrum spectrum = lens_of_linear(W, 400).spectrum(0, {.warm_up = 4});
        CHECK(spectrum.steps[0].spectral_radius == doctest::Approx(0.8));
        CHECK(spectrum.steps[0].singular_values[0] > 2);
        CHECK(spectrum.exponents[0] == doctest::Approx(std::log(0.8)).epsilon(0.02));
        CHECK(spectrum.exponents[0] + spectrum.exponents[1] == doctest::Approx(2 * std::log(0.8)));
    }
    SUBCASE("the powers of a shear differ by side: d h(t) / d h(k) is the transpose of W's power") {
        const Tensor<double> W = tensor({2, 2}, {1, 2, 0, 1});
        check_close(lens_of_linear(W, 2).of_row(0)[0].whole, transposed(W));
    }
    SUBCASE("a weight of zero") {
        const JacobianSpectrum spectrum = lens_of_linear(filled({2, 2}, 0), 3).spectrum();
        CHECK(spectrum.exponents[0] == -std::numeric_limits<double>::infinity());
        CHECK(spectrum.products[2].log_singular_values[0] == -std::numeric_limits<double>::infinity());
        CHECK(spectrum.flow == GradientFlow::vanishing);
        CHECK(contains(spectrum.text(), "has to vanish"));
        // Few steps may be too few to vanish in, which is no contradiction.
        const std::string few = lens_of_linear(orthogonal(3, 0.9), 4).spectrum().text();
        CHECK(contains(few, "neither vanishing nor exploding: over 4 steps"));
        CHECK(contains(few, "over enough steps it has to vanish"));
        CHECK(!contains(lens_of_linear(orthogonal(3, 0.9), 2).spectrum().text(), "  ...\n"));
        CHECK(contains(lens_of_linear(orthogonal(3, 0.9), 40).spectrum().text(), "  ...\n"));
    }
}

TEST_CASE("jacobian spectrum: products do not exceed the bound, and exponents agree with determinants") {
    nn::Generator generator(10);
    nn::ElmanCell<double> cell(I, 6, generator);
    cell.W.assign(orthogonal(6, 0.9));
    Random random("bound");
    Tape<double> tape;
    const auto run = nn::unroll(cell, random.tensor({40, 2, I}, -2, 2), {.trace = true});
    const JacobianLens lens = jacobian_lens(nn::states(run.trace), {.rows = {0, 1}});
    for (std::size_t row = 0; row < 2; ++row) {
        const JacobianSpectrum spectrum = lens.spectrum(row);
        double largest_slope = 0;
        double log_determinant = 0;
        for (std::size_t t = 1; t < 40; ++t) {
            const Tensor<double> h = run.trace[t].value();
            for (std::size_t i = 0; i < 6; ++i) {
                const double slope = 1 - h(row, i) * h(row, i);
                largest_slope = std::max(largest_slope, slope);
                log_determinant += std::log(0.9 * slope);  // of W it is 0.9^6
            }
        }
        CHECK(spectrum.factor == doctest::Approx(0.9 * largest_slope));
        double sum = 0;
        for (double exponent : spectrum.exponents) sum += exponent;
        CHECK(sum == doctest::Approx(log_determinant / 39));
        CHECK(std::is_sorted(spectrum.exponents.rbegin(), spectrum.exponents.rend()));
        for (const ProductSpectrum& product : spectrum.products) {
            CHECK(product.log_singular_values[0] <= product.log_bound + 1e-12);
            CHECK(product.log_bound ==
                  doctest::Approx(static_cast<double>(product.distance) * std::log(0.9 * largest_slope)));
        }
        CHECK(spectrum.flow == GradientFlow::vanishing);
        // They end at the last state.
        const ScaledMatrix three = lens.product(36, 39, row);
        const auto& steps = lens.of_row(row);
        Tensor<double> loops = times(steps[38].whole, times(steps[37].whole, steps[36].whole));
        check_close(each(three.matrix, [&](double x) { return x * std::exp(three.log_scale); }), loops);
        double squares = 0;
        for (double element : loops) squares += element * element;
        double by_values = 0;
        for (double value : spectrum.products[2].log_singular_values) by_values += std::exp(2 * value);
        CHECK(by_values == doctest::Approx(squares));
    }
    CHECK(lens.spectrum(0).exponents[0] != lens.spectrum(1).exponents[0]);
}

TEST_CASE("jacobian spectrum: norms of parts that change from step to step") {
    const nn::ResetBeforeGruCell<double> cell = random_cell<nn::ResetBeforeGruCell<double>>(14, I, H);
    Random random("norms of parts");
    Tape<double> tape;
    const auto run = nn::unroll(cell, random.tensor({T, B, I}), {.trace = true});
    const JacobianLens lens = jacobian_lens(nn::states(run.trace));
    const JacobianSpectrum spectrum = lens.spectrum();
    // By power iteration.
    const auto norm = [](const Tensor<double>& a) {
        Tensor<double> v = filled({a.shape(1), 1}, 1);
        double length = 0;
        for (int i = 0; i < 2000; ++i) {
            v = times(transposed(a), times(a, v));
            length = std::sqrt(inner({v}, {v}));
            v = each(v, [&](double x) { return x / length; });
        }
        return std::sqrt(length);
    };
    for (std::size_t i = 0; i < T - 1; ++i) {
        const StepJacobian& step = lens.of_row(0)[i];
        CHECK(spectrum.steps[i].singular_values[0] == doctest::Approx(norm(step.whole)));
        CHECK(spectrum.steps[i].weights == doctest::Approx(norm(step.weights)));
        CHECK(spectrum.steps[i].activations == doctest::Approx(norm(step.activations)));
        CHECK(spectrum.steps[i].direct == doctest::Approx(norm(step.direct)));
        CHECK(spectrum.steps[i].bound() >= spectrum.steps[i].singular_values[0]);
    }
    CHECK(spectrum.steps[0].weights != spectrum.steps[1].weights);
}

TEST_CASE("jacobian spectrum: in float, text and CSV") {
    nn::Generator generator(12);
    const nn::LstmCell<float> cell(I, H, generator);
    Random random("float");
    Tape<float> tape;
    const auto run = nn::unroll(cell, rounded<float>(random.tensor({T, B, I})), {.trace = true});
    const JacobianSpectrum spectrum = jacobian_lens(nn::states(run.trace)).spectrum();
    CHECK(spectrum.exponents.size() == 2 * H);
    const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    CHECK(lines(spectrum.steps_csv()) == T);
    CHECK(lines(spectrum.products_csv()) == T);
    CHECK(contains(spectrum.steps_csv(),
                   "step,spectral_radius,activations,weights,direct,bound,singular_value_0,"));
    CHECK(contains(spectrum.products_csv(),
                   fmt::format(",{}", spectrum.products[1].log_singular_values[2] / std::log(10.0))));
    CHECK(contains(spectrum.text(), "t=3"));
    CHECK(contains(spectrum.text(), fmt::format("largest {:.4f}", spectrum.exponents[0])));
}
