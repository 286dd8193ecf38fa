#include <tests/nn/layers/against_loops.hpp>

#include <nn/layers/layer_norm.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

/// gamma (x - mean) / sqrt(variance + epsilon) + beta.
Tensors in_loops(const Tensors& arguments, double epsilon) {
    const Tensor<double>& x = arguments[0];
    const std::size_t D = shape_of(x).back();
    Tensor<double> y = x;
    for (std::size_t row = 0; row < x.size() / D; ++row) {
        const double* from = x.data() + row * D;
        double mean = 0;
        for (std::size_t k = 0; k < D; ++k) mean += from[k] / static_cast<double>(D);
        double variance = 0;
        for (std::size_t k = 0; k < D; ++k)
            variance += (from[k] - mean) * (from[k] - mean) / static_cast<double>(D);
        for (std::size_t k = 0; k < D; ++k)
            y.data()[row * D + k] =
                arguments[1].data()[k] * (from[k] - mean) / std::sqrt(variance + epsilon) +
                arguments[2].data()[k];
    }
    return {y};
}

}  // namespace

TEST_CASE("LayerNorm: values and gradients of both orders are those of plain loops") {
    Random random("layer norm");
    for (const Shape& shape : {Shape{7}, Shape{3, 7}, Shape{2, 3, 5}, Shape{4, 1}, Shape{2, 33}}) {
        CAPTURE(shape.text());
        for (double epsilon : {1e-5, 0.3}) {
            nn::LayerNorm<double> layer(shape.back(), {.epsilon = epsilon});
            const Tensors arguments{random.tensor(shape, -1, 2), random.tensor({shape.back()}),
                                    random.tensor({shape.back()})};
            check_against_loops([&](const auto& x) { return std::vector{layer(x[0])}; },
                                [&](const Tensors& x) { return in_loops(x, epsilon); }, arguments,
                                layer.parameters());
        }
    }
}

TEST_CASE("LayerNorm: starts as the standardised row, three nodes and the parameters") {
    Random random("standardised");
    const Tensor<double> x = random.tensor({3, 6});
    const nn::LayerNorm<double> layer(6);
    CHECK(layer.epsilon == 1e-5);
    Tape<double> tape;
    const Var<double> whole = input(x);
    const Var<double> y = layer(whole);
    CHECK(tape.size() == 5);  // x, x standardised, gamma, beta, map
    check_same_bits(y.value(), nn::standardise(whole).value());
    check_close(mean(square(y), 1).value(), filled({3}, 1), 1e-3);
}

TEST_CASE("LayerNorm: far from zero, in float, no digits are lost") {
    Random random("far");
    const Tensor<double> x = random.tensor({4, 16});
    const Tensor<double> far = each(x, [](double element) { return std::round(element * 64) / 64 + 1024; });
    const nn::LayerNorm<float> layer(16);
    const Tape<float> tape;
    check_close(as_double(layer(rounded<float>(far)).value()),
                in_loops({far, filled({16}, 1), filled({16}, 0)}, 1e-5)[0], 1e-5);
}

TEST_CASE("LayerNorm: a row of NaN whose cotangent is 0 has no influence on gradients") {
    Random random("nan row");
    Tensor<double> x = random.tensor({2, 4});
    const Tensor<double> good = part_of(x, 0, 0, 1);
    std::fill_n(x.data() + 4, 4, std::nan(""));
    nn::LayerNorm<double> layer(4);
    const auto gradients = [&](const Tensor<double>& value, const Tensor<double>& cotangent) {
        const Tape<double> tape;
        const Var<double> whole = input(value);
        return gradient(std::vector<GradientRoot<double>>{{layer(whole), cotangent}},
                        {whole, layer.gamma, layer.beta});
    };
    Tensor<double> cotangent = random.tensor({2, 4});
    std::fill_n(cotangent.data() + 4, 4, 0.0);
    const auto spoiled_ones = gradients(x, cotangent);
    const auto alone = gradients(good, part_of(cotangent, 0, 0, 1));
    check_close(part_of(spoiled_ones.at(0), 0, 0, 1), alone.at(0));
    check_same_bits(part_of(spoiled_ones.at(0), 0, 1, 1), filled({1, 4}, 0));
    check_close(spoiled_ones.at(1), alone.at(1));
    check_close(spoiled_ones.at(2), alone.at(2));
}

TEST_CASE("LayerNorm: no rows, and errors") {
    nn::LayerNorm<double> layer(3);
    CHECK(layer.parameters()[0].path == "gamma");
    CHECK(layer.parameters()[1].path == "beta");
    const Tape<double> tape;
    const Var<double> none = input(filled({0, 3}, 1));
    const Var<double> y = layer(none);
    CHECK(y.shape() == Shape{0, 3});
    check_same_bits(gradient(sum(y), {layer.gamma}).at(0), filled({3}, 0));
    const std::size_t size = tape.size();
    const auto refused = [](auto&& make) { return text_of<std::invalid_argument>([&] { make(); }); };
    CHECK(contains(refused([&] {
                       layer(filled({3, 2}, 1));
                   }),
                   "LayerNorm: x is [3, 2] and gamma [3]; x's last axis must be as long as gamma ("));
    CHECK(contains(refused([&] { layer(1.0); }), "LayerNorm: x is []"));
    CHECK(contains(refused([&] {
                       nn::standardise(filled({3, 0}, 1));
                   }),
                   "standardise: x is [3, 0]; its last axis must have elements"));
    CHECK(tape.size() == size);
    CHECK(refused([] { nn::LayerNorm<double>(0); }) == "LayerNorm: size is 0; it must be at least 1");
    CHECK(refused([] { nn::LayerNorm<double>(2, {.epsilon = -1}); }) ==
          "LayerNorm: epsilon is -1; it must not be negative");
    CHECK(refused([] { nn::LayerNorm<double>(filled({2}, 1), filled({3}, 1)); }) ==
          "LayerNorm: gamma is [2] and beta [3]; both must be [D]");
}

TEST_CASE_TEMPLATE("standardise: of huge, tiny and distant rows, in values and gradients", T, float, double) {
    const bool is_float = sizeof(T) == 4;
    const double huge = is_float ? 1e20 : 1e200;
    const double tiny = is_float ? 1e-25 : 1e-220;
    const double tolerance = is_float ? 2e-6 : 1e-14;
    const Tensor<double> pattern = vector({1, 2, 3, 4});
    const Tensor<double> c = vector({0.5, -1, 2, 0.25});
    Tape<double> exact_tape;
    const Var<double> plain = input(pattern);
    const Var<double> exact = nn::standardise(plain, 0);
    const Tensor<double> slopes = gradient(std::vector<GradientRoot<double>>{{exact, c}}, {plain})[plain];
    const auto check = [&](double factor, double shift, double epsilon) {
        CAPTURE(factor);
        Tape<T> tape;
        const Var<T> x = input(rounded<T>(pattern * factor + shift));
        const Var<T> y = nn::standardise(x, epsilon);
        check_close(as_double(y.value()), exact.value(), tolerance);
        const std::vector<GradientRoot<T>> root{{y, rounded<T>(c)}};
        check_close(as_double(gradient(root, {x})[x]) * factor, slopes, tolerance);
        check_close(as_double(gradient_graph(sum(y * input(rounded<T>(c))), {x})[x].value()) * factor, slopes,
                    tolerance);
    };
    check(huge, 0, 1e-5);
    check(tiny, 0, 0);
    // Neighbouring numbers, which are all that is known of so small a spread.
    const double step = is_float ? 0.0078125 : std::ldexp(1, -36);
    check(step, 1e5, 0);
}
