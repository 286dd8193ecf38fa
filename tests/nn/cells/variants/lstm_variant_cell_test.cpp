#include <tests/nn/cells/cell_check.hpp>

#include <nn/cells/gates.hpp>
#include <nn/cells/lstm_cell.hpp>
#include <nn/cells/variants/lstm_variant_cell.hpp>
#include <nn/generator.hpp>

#include <cmath>
#include <limits>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

constexpr std::size_t projected = 3;

/// The equations of `LstmVariantCell`, gate by gate in plain loops.
struct Reference {
    nn::LstmVariantOptions options;
    /// Becomes how near a value came to a kink, where differences say nothing.
    double* nearest_kink = nullptr;

    Tensors operator()(const Tensor<double>& x, const Tensors& state, const Tensors& parameters) const {
        const auto s = [this](double a) {
            if (options.gate_activation == nn::GateActivation::sigmoid) return logistic(a);
            note_kink(a, 2.5);
            return std::max(0.0, std::min(0.2 * a + 0.5, 1.0));
        };
        const Tensor<double> i = each(pre_activation(0, x, state, parameters, &state[1], 0), s);
        const Tensor<double> f = options.coupled
                                     ? each(i, [](double a) { return 1 - a; })
                                     : each(pre_activation(1, x, state, parameters, &state[1], 1), s);
        const std::size_t at_candidate = options.coupled ? 1 : 2;
        const Tensor<double> g = each(pre_activation(at_candidate, x, state, parameters, nullptr, 0),
                                      [](double a) { return std::tanh(a); });
        const Tensor<double> c = generate({B, H}, [&](const Position& k) {
            return limited(at(f, k) * at(state[1], k) + at(i, k) * at(g, k), options.cell_clip);
        });
        const Tensor<double> o =
            each(pre_activation(at_candidate + 1, x, state, parameters, &c, at_candidate), s);
        Tensor<double> h = each(o, c, [](double gate, double memory) { return gate * std::tanh(memory); });
        if (options.projection != 0) h = project(h, parameters);
        return {each(h, [&](double a) { return limited(a, options.projection_clip); }), c};
    }

  private:
    void note_kink(double a, double kink) const {
        if (nearest_kink != nullptr) *nearest_kink = std::min(*nearest_kink, std::abs(std::abs(a) - kink));
    }
    double limited(double a, double limit) const {
        note_kink(a, limit);
        return std::max(-limit, std::min(a, limit));
    }
    // Parameters are U, W, b and, as the options have them, p, gamma, P, b_projection.
    Tensor<double> pre_activation(std::size_t gate, const Tensor<double>& x, const Tensors& state,
                                  const Tensors& parameters, const Tensor<double>* memory,
                                  std::size_t peephole) const {
        const auto column = [&](const Position& k) { return gate * H + k[1]; };
        Tensor<double> a = generate({B, H}, [&](const Position& k) {
            double sum = product(x, parameters[0], k[0], column(k)) +
                         product(state[0], parameters[1], k[0], column(k));
            if (options.peephole && memory != nullptr)
                sum += at(parameters[3], {peephole * H + k[1]}) * at(*memory, k);
            return sum;
        });
        if (options.layer_norm) {
            const Tensor<double>& gamma = parameters[options.peephole ? 4 : 3];
            a = normalised(a, part_of(gamma, 0, gate * H, H));
        }
        return generate({B, H}, [&](const Position& k) { return at(a, k) + at(parameters[2], {column(k)}); });
    }
    Tensor<double> normalised(const Tensor<double>& a, const Tensor<double>& gamma) const {
        return generate({B, H}, [&](const Position& k) {
            double mean = 0;
            for (std::size_t j = 0; j < H; ++j) mean += at(a, {k[0], j}) / H;
            double variance = 0;
            for (std::size_t j = 0; j < H; ++j) variance += std::pow(at(a, {k[0], j}) - mean, 2) / H;
            return at(gamma, {k[1]}) * (at(a, k) - mean) / std::sqrt(variance + options.layer_norm_epsilon);
        });
    }
    Tensor<double> project(const Tensor<double>& h, const Tensors& parameters) const {
        const std::size_t at_P = parameters.size() - (options.projection_bias ? 2 : 1);
        return generate({B, options.projection}, [&](const Position& k) {
            return product(h, parameters[at_P], k[0], k[1]) +
                   (options.projection_bias ? at(parameters.back(), {k[1]}) : 0);
        });
    }
};

/// One combination of options for each number.
constexpr unsigned combinations = 1U << 6;
nn::LstmVariantOptions combination(unsigned bits) {
    const auto has = [bits](unsigned bit) { return (bits >> bit & 1U) != 0; };
    const double infinity = std::numeric_limits<double>::infinity();
    return {.peephole = has(0),
            .coupled = has(1),
            .projection = has(2) ? projected : 0,
            .projection_bias = has(2) && has(5),
            .layer_norm = has(3),
            .layer_norm_epsilon = 0.2,
            .gate_activation = has(4) ? nn::GateActivation::hard_sigmoid : nn::GateActivation::sigmoid,
            .cell_clip = has(5) ? 0.4 : infinity,
            .projection_clip = has(5) ? 0.25 : infinity};
}

/// Arguments at a distance from all kinks.
template <class C>
CellCase smooth_case_of(C& cell) {
    for (int attempt = 0;; ++attempt) {
        double distance = 1;
        const CellCase c =
            case_of(cell, Reference{cell.options, &distance}, "variants " + std::to_string(attempt));
        run_loops(c, c.arguments);
        if (distance > 0.015) return {c.parts, Reference{cell.options}, c.arguments};
        REQUIRE(attempt < 1000);
    }
}

template <class F>
void for_each_combination(const F& f) {
    for (unsigned bits = 0; bits < combinations; ++bits) {
        CAPTURE(bits);
        f(combination(bits));
    }
}

}  // namespace

TEST_CASE(
    "LSTM variants: values and gradients of both orders are those of plain loops, in all combinations") {
    for_each_combination([](const nn::LstmVariantOptions& options) {
        nn::Generator generator(1);
        nn::LstmVariantCell<double> cell(I, H, generator, options);
        check_cell(cell, smooth_case_of(cell));
    });
}

TEST_CASE("LSTM variants: in float they are near those in double") {
    for_each_combination([](const nn::LstmVariantOptions& options) {
        nn::Generator generator(1);
        nn::LstmVariantCell<float> cell(I, H, generator, options);
        check_float(cell, case_of(cell, Reference{options}));
    });
}

TEST_CASE("LSTM variants: without options it is the plain LSTM") {
    nn::Generator generator(3);
    nn::LstmVariantCell<double> variant(I, H, generator);
    nn::Generator same(3);
    nn::LstmCell<double> plain(I, H, same);
    Random random("plain");
    const Tensor<double> x = random.tensor({T, B, I});
    Tape<double> tape;
    check_close(nn::unroll(variant, x).outputs.value(), nn::unroll(plain, x).outputs.value(), 1e-14);
}

TEST_CASE("LSTM variants: a step takes few nodes, as many at every length") {
    nn::Generator generator(1);
    const auto nodes = [&](const nn::LstmVariantOptions& options) {
        return check_node_count(nn::LstmVariantCell<float>(I, H, generator, options));
    };
    // What `unroll` makes of a step, the product, and a map with two results.
    const std::size_t plain = nodes({});
    CHECK(plain == check_node_count(nn::LstmCell<float>(I, H, generator)));
    CHECK(nodes({.peephole = true}) == plain);
    CHECK(nodes({.peephole = true, .coupled = true, .gate_activation = nn::GateActivation::hard_sigmoid}) ==
          plain);
    CHECK(nodes({.cell_clip = 1}) == plain);
    CHECK(nodes({.projection = projected}) == plain + 1);
    CHECK(nodes({.projection = projected, .projection_bias = true, .projection_clip = 1}) == plain + 2);
    for_each_combination([&](const nn::LstmVariantOptions& options) { nodes(options); });
}

TEST_CASE("LSTM variants: a clip stops the gradient outside and lets it pass on its bounds") {
    nn::Generator generator(1);
    nn::LstmVariantCell<double> cell(1, 1, generator, {.cell_clip = 0.5});
    cell.U.assign(filled({1, 4}, 0));
    cell.W.assign(filled({1, 4}, 0));
    // i = 0, f = 1: c' is c.
    cell.b.assign(tensor({4}, {-800, 800, 0, 0}));
    const auto slope = [&](double memory) {
        Tape<double> tape;
        const Var<double> c = input(filled({1, 1}, memory));
        const auto [h, next] = nn::advance(cell, input(filled({1, 1}, 0)), {input(filled({1, 1}, 0)), c});
        CHECK(next[1].item() == std::max(-0.5, std::min(memory, 0.5)));
        return gradient(next[1], {c})[c][0];
    };
    CHECK(slope(0.4) == 1);
    CHECK(slope(0.5) == 1);
    CHECK(slope(-0.5) == 1);
    CHECK(slope(0.6) == 0);
    CHECK(slope(-0.6) == 0);
}

TEST_CASE("LSTM variants: the epsilon of the layer norm keeps rows of equal values finite") {
    nn::Generator generator(1);
    // With equal columns all pre-activations of a gate are equal, so their variance is 0.
    nn::LstmVariantCell<double> cell(1, 3, generator, {.forget_bias = 0.25, .layer_norm = true});
    cell.U.assign(filled({1, 12}, 2));
    Tape<double> tape;
    const auto [h, next] = nn::advance(cell, input(filled({1, 1}, 1)), cell.initial_state(1));
    check_same_bits(h.value(), filled({1, 3}, 0));
    const auto& U = gradient(sum(next[1]), {cell.U})[cell.U];
    for (double slope : U) CHECK(std::isfinite(slope));
}

TEST_CASE("LSTM variants: parameters are those that the options call for") {
    nn::Generator generator(1);
    const auto listed = [&](const nn::LstmVariantOptions& options) {
        nn::LstmVariantCell<float> cell(I, H, generator, options);
        std::string text;
        for (const auto& entry : cell.parameters())
            text += entry.path + " " + entry.parameter->shape().text() + "; ";
        return text;
    };
    CHECK(listed({}) == "U [3, 20]; W [5, 20]; b [20]; ");
    CHECK(listed({.coupled = true}) == "U [3, 15]; W [5, 15]; b [15]; ");
    CHECK(listed({.peephole = true}) == "U [3, 20]; W [5, 20]; b [20]; p [15]; ");
    CHECK(listed({.projection = 2}) == "U [3, 20]; W [2, 20]; b [20]; P [5, 2]; ");
    CHECK(listed({.peephole = true,
                  .coupled = true,
                  .projection = 2,
                  .projection_bias = true,
                  .layer_norm = true}) ==
          "U [3, 15]; W [2, 15]; b [15]; p [10]; gamma [15]; P [5, 2]; b_projection [2]; ");
}

TEST_CASE("LSTM variants: start as they should") {
    nn::Generator generator(1);
    nn::LstmVariantCell<float> cell(
        I, H, generator,
        {.forget_bias = 2, .peephole = true, .projection = 2, .projection_bias = true, .layer_norm = true});
    const auto start = [](nn::GateBlock<float> gate) { return as_double(gate.value()); };
    for (std::string_view name : cell.gate_names()) {
        check_same_bits(start(nn::gate_block(cell.b, cell.gate_names(), name)),
                        filled({H}, name == "forget" ? 2 : 0));
        const Tensor<double> W = start(nn::gate_block(cell.W, cell.gate_names(), name));
        for (std::size_t row = 0; row < 2; ++row) {
            double length = 0;
            for (std::size_t k = 0; k < H; ++k) length += std::pow(at(W, {row, k}), 2);
            CHECK(length == doctest::Approx(1));
        }
    }
    check_same_bits(as_double(cell.gamma.value()), filled({4 * H}, 1));
    check_same_bits(as_double(cell.p.value()), filled({3 * H}, 0));
    check_same_bits(as_double(cell.b_projection.value()), filled({2}, 0));
    Tape<float> tape;
    const auto [h, c] = cell.initial_state(B);
    check_same_bits(as_double(h.value()), filled({B, 2}, 0));
    check_same_bits(as_double(c.value()), filled({B, H}, 0));
}

TEST_CASE("LSTM variants: options that cannot be are refused") {
    nn::Generator generator(1);
    const auto refused = [&](const nn::LstmVariantOptions& options) {
        return text_of<std::invalid_argument>([&] { nn::LstmVariantCell<float>(I, H, generator, options); });
    };
    CHECK(refused({.cell_clip = 0, .projection_clip = 0}) == "");
    CHECK(refused({.cell_clip = -1}) ==
          "LstmVariantCell: cell_clip is -1 and projection_clip inf; they must be at least 0");
    CHECK(refused({.projection_clip = std::nan("")}) != "");
    CHECK(refused({.layer_norm_epsilon = -1e-3}) ==
          "LstmVariantCell: layer_norm_epsilon is -0.001; it must be at least 0");
    CHECK(refused({.projection_bias = true}) ==
          "LstmVariantCell: projection_bias is set and projection is 0; only a projection has that bias");
    CHECK(text_of<std::invalid_argument>([&] { nn::LstmVariantCell<float>(0, H, generator); }) ==
          "LstmVariantCell: input_size is 0 and hidden_size 5; both must be at least 1");
}
