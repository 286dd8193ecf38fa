#include <tests/nn/files/naming/against_outside.hpp>

#include <nn/files/naming/equinox.hpp>
#include <nn/generator.hpp>

using namespace tapeloop;
using namespace tapeloop::test;

namespace {

using outside::check_against;
using outside::equinox_gru;
using outside::equinox_lstm;
using outside::H;
using outside::I;
using outside::Numbers;
using outside::run;
using outside::Shapes;
using outside::shapes_of;
using outside::side_by_side;

Shapes cell_shapes(const std::string& prefix, std::size_t G, std::size_t inputs = I) {
    return {{prefix + "weight_ih", {G * H, inputs}},
            {prefix + "weight_hh", {G * H, H}},
            {prefix + "bias", {G * H}}};
}

std::string refusal(const std::function<void()>& f) { return text_of<std::invalid_argument>(f); }

}  // namespace

TEST_CASE("equinox: LSTMCell, of either class") {
    nn::Generator generator(1);
    const auto theirs = [](const auto& arrays, const auto& x) {
        return run(equinox_lstm(arrays, ""), x, H, H);
    };
    nn::LstmCell<double> cell(I, H, generator);
    check_against(cell, nn::equinox(cell), cell_shapes("", 4), theirs);
    nn::LstmVariantCell<double> variant(I, H, generator);
    check_against(variant, nn::equinox(variant), cell_shapes("", 4), theirs);
}

TEST_CASE("equinox: GRUCell in two directions, and a Linear") {
    nn::Generator generator(1);
    nn::Stack<double> stack;
    stack.add("cells",
              nn::Bidirectional{nn::GruCell<double>(I, H, generator), nn::GruCell<double>(I, H, generator)});
    stack.add("back", nn::Reversed{nn::LstmCell<double>(2 * H, H, generator)});
    stack.add("linear", nn::Linear<double>(H, 1, generator));
    Shapes shapes = cell_shapes("back.", 4, 2 * H);
    for (const std::string prefix : {"cells.forward.", "cells.backward."}) {
        shapes.merge(cell_shapes(prefix, 3));
        shapes[prefix + "bias_n"] = {H};
    }
    shapes["linear.weight"] = {1, H};
    shapes["linear.bias"] = {1};
    check_against(stack, nn::equinox(stack), shapes, [](const auto& arrays, const auto& x) {
        const auto both = side_by_side(run(equinox_gru(arrays, "cells.forward."), x, H, 0),
                                       run(equinox_gru(arrays, "cells.backward."), x, H, 0, true));
        const auto h = run(equinox_lstm(arrays, "back."), both, H, H, true);
        const auto& weight = std::get<Tensor<double>>(arrays.arrays.at("linear.weight"));
        std::vector<Numbers> outputs;
        for (const Numbers& row : h) {
            outputs.push_back({std::get<Tensor<double>>(arrays.arrays.at("linear.bias"))(0)});
            for (std::size_t k = 0; k < H; ++k) outputs.back()[0] += weight(0, k) * row[k];
        }
        return outputs;
    });
}

TEST_CASE("equinox: Embedding and LayerNorm") {
    nn::Generator generator(1);
    nn::Embedding<double> table(5, 2, generator);
    CHECK(shapes_of(nn::named_arrays(nn::equinox(table))) == Shapes{{"weight", {5, 2}}});
    nn::LayerNorm<double> norm(3);
    norm.beta.assign({1, 2, 3});
    const nn::NamedArrays arrays = nn::named_arrays(nn::equinox(norm));
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("weight")) == Tensor<double>{1, 1, 1});
    CHECK(std::get<Tensor<double>>(arrays.arrays.at("bias")) == Tensor<double>{1, 2, 3});
}

TEST_CASE("equinox: what it does not have is refused with the reason") {
    nn::Generator generator(1);
    nn::ElmanCell<float> elman(I, H, generator);
    CHECK(contains(refusal([&] { nn::equinox(elman); }), "an LSTMCell and a GRUCell, and no simple one"));
    nn::LstmVariantCell<float> coupled(I, H, generator, {.coupled = true});
    CHECK(
        contains(refusal([&] { nn::equinox(coupled); }), "the LSTM of Equinox has a forget gate of its own"));
    nn::GruCell<float> takes(I, H, generator, {.update = nn::Update::takes});
    CHECK(contains(refusal([&] { nn::equinox(takes); }), "the update gate of Equinox keeps the old state"));
    nn::ResetBeforeGruCell<float> before(I, H, generator);
    CHECK(contains(refusal([&] { nn::equinox(before); }),
                   "applies its reset gate after the recurrent product"));
    nn::MinimalGruCell<float> minimal(I, H, generator);
    CHECK(contains(refusal([&] { nn::equinox(minimal); }), "has a reset gate"));
}
